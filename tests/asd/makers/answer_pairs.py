"""Answers in several notations: each line of SAME is one answer, each line of DIFFERENT two that only look alike."""

from __future__ import annotations

_SAME = """
10:30 am|10:30 a.m.|10:30am|10:30 AM|10.30 am|10:30 in the morning|1030 am|10:30 A. M.
10:30 pm|22:30|10.30 pm|10:30 p.m.|10:30 at night|2230 hours|half past 10 pm
10:30|10.30|half past ten|10 30
3 pm|3:00 pm|3 p.m.|15:00|three pm|3pm|3 in the afternoon
3 o'clock|3 oclock|3:00|three o'clock|3 o clock
quarter to 4|3:45|a quarter to four|quarter till 4
quarter past 6|6:15
10 past 6|6:10|ten minutes past six
noon|12 pm|12:00 pm|12 noon|midday
midnight|12 am|12:00 a.m.|00:00
8 ft|8 feet|8'|eight feet|8 foot|8-foot|8ft.|8 ft.|8 Feet
5'10"|5 ft 10 in|5 feet 10 inches|5' 10"|70 inches|5 foot 10|5 feet and 10 inches
12 in|12 inches|12"|12 in.|1 foot|twelve inches
5 km|5 kilometers|5 kilometres|5000 m|5,000 meters|5km
20 cm|20 centimeters|20 centimetres|200 mm
26 mi|26 miles
100 lbs|100 pounds|100 lb|100 lb.
5 kg|5 kilograms|5 kilos|5000 g|5kg
500 g|500 grams|500 gm|0.5 kg
12 oz|12 ounces|12 oz.|12oz
16 fl oz|16 fluid ounces|16 fl. oz.
2 l|2 liters|2 litres|2000 ml
750 ml|750 milliliters|75 cl|.75 l
1 gallon|1 gal|4 quarts
2 tbsp|2 tablespoons
60 mph|60 miles per hour|60mph
100 km/h|100 kmh|100 kph|100 kilometers per hour
32 sq ft|32 square feet|32 ft²|32 sq. ft.
30 °C|30 degrees celsius|30°C|30 c|30 degrees C
98.6 F|98.6°F|98.6 degrees fahrenheit
90°|90 degrees
5 years|5 years old|5 yrs|five years|60 months
30 min|30 minutes|30 mins|half an hour
2 hours|2 hrs|120 minutes|two hours|2 hr
10 s|10 seconds|10 sec
3 days|three days|72 hours
16 gb|16 gigabytes|16GB
12 megapixels|12 mp|12MP
2.4 ghz|2.4 gigahertz
100 w|100 watts
5 stars|5 star|five stars
aug 5|august 5|5 august|5th of august|august 5th|Aug. 5|the 5th of August
december 25, 2010|25 december 2010|2010-12-25|12/25/2010|dec 25 2010|25.12.2010|12/25/10|december 25th, 2010
8/5/2010|august 5, 2010|08/05/2010|8-5-2010
Saturday, December 25, 2010|12-25-2010
may 2015|05/2015|2015 may
october|oct|Oct.
september|sept|sep
monday|mon|Mon.
tuesday|tues
white and brown|brown and white|brown & white|brown/white|white, brown|brown-white|white brown|Brown + White
red, white and blue|blue, red, white|white, blue & red|red white and blue
salt and pepper|pepper and salt|salt & pepper|salt n pepper
cat and dog|dog and cat|dogs and cats|a cat and a dog
table, chair|chair and table|chairs, tables
tea or coffee|coffee or tea
5 and 7|7 and 5
black and white|white and black|b&w
lakers vs celtics|celtics vs. lakers|celtics versus lakers
2nd|second|2 nd|the second|2nd.
1st|first
21st|twenty-first|twenty first
100th|100 th
second floor|2nd floor
1st base|first base
fourth street|4th st|4th street
st louis|saint louis|st. louis|Saint Louis
mt everest|mount everest|mt. everest
dr smith|doctor smith|Dr. Smith
mr bean|mister bean|Mr. Bean
main st|main street|Main St.
park ave|park avenue|park av
elm rd|elm road
sunset blvd|sunset boulevard
ft worth|fort worth
martin luther king jr|martin luther king junior|martin luther king, jr.
usa|united states|u.s.|us|united states of america|U.S.A.|the united states|the U.S.
uk|united kingdom|u.k.|U.K.
tv|television|t.v.|TV|tvs
nyc|new york city
austin, tx|austin texas|Austin, Texas|Austin TX
CA|california|California
la|los angeles|L.A.
washington dc|washington, d.c.|washington d c
suv|sport utility vehicle
cd|compact disc|CDs
id|identification
oj|orange juice
bbq|barbecue|barbeque|bar-b-q
tshirt|t-shirt|t shirt|tee shirt|T-Shirts
$5|5 dollars|usd 5|5 usd|$5.00|five dollars|us$5|5$|5 bucks|5 US dollars|$ 5
50 cents|$0.50|50¢|$.50|fifty cents
$1.25|1.25 dollars|1 dollar and 25 cents|125 cents
$1,200|1200 dollars|$1200.00|$1.2k|1,200 USD
$3 million|3 million dollars|$3m|$3,000,000
£5|5 pounds|5 gbp|GBP 5|five pounds
€10|10 euros|10 eur|10 €|EUR 10
¥500|500 yen
₹100|100 rupees|rs 100|Rs. 100|INR 100
1,200|1200|1 200|1200.0|one thousand two hundred|1.2k|twelve hundred|1'200
1,234,567|1234567|1.234.567|1 234 567
1,5|1.5
5 million|5,000,000|5m|five million
300,000|300k|three hundred thousand|300 thousand
two dozen|24|twenty-four
a dozen|12|twelve|dozen
25|twenty-five|twenty five|25.0|025|25.
120|one hundred and twenty|one hundred twenty|a hundred and twenty
2000|two thousand
0|zero|.0|0.0|.000|00
.0%|0 percent|0%|.00 %
50%|50 percent|50 per cent|fifty percent|50 pct
12.5%|12.5 percent|12,5 %
1/2|half|0.5|½|one half|.5|a half|50%
3/4|three quarters|0.75|¾|three fourths
1/4|¼|one quarter|a quarter|.25
1/3|⅓|one third|a third
1 1/2|1.5|1½|one and a half|1 ½
2 1/2 cups|2.5 cups|2½ cups
-3|minus 3|negative 3|−3|negative three
4:3|4 to 3
10-12|10 to 12|10 – 12|between 10 and 12|10–12
5-6 years|5 to 6 years
World War II|world war 2|world war two
Henry VIII|henry 8
Rocky III|rocky 3
grey|gray|Grey
colour|color|colours
centre|center
theatre|theater
doughnut|donut|doughnuts
travelling|traveling
organise|organize
moustache|mustache
tyre|tire
judgement|judgment
cosy|cozy
aluminium|aluminum
café|cafe|Café
piñata|pinata
naïve|naive
crème brûlée|creme brulee
smörgåsbord|smorgasbord
e-mail|email
ice-cream|ice cream|icecream
door mat|doormat|door-mat
potatoes|potato
tomatoes|tomato
children|child
women|woman
knives|knife
buses|bus
boxes|box
berries|berry
the apple|an apple|apple|Apples
McDonald's|mcdonalds|McDonald’s
men's room|mens room
٣|3
１２|12
5 & 10|5 and 10
ok|okay|OK
photo|photograph
bicycle|bike
number 7|no. 7|#7|7
about 20|20|approximately 20|~20
"stop"|stop|Stop!|'stop'|“stop”|(stop)
yes|yeah|yep|yes!|(yes)|Yes.|yes it is|yup|yes, it is
no|nope|no!|nah|no it isn't|No, it is not.|(no)
5 yr|5 year
ph.d|phd
dept of motor vehicles|department of motor vehicles
hwy 61|highway 61
"""
_DIFFERENT = """
4|-4
2nd|3rd
second|third
1st|11th
10:30 am|10:30 pm
10:30|10:31
10:30 am|10:35 am
3:45|4:45
quarter to 4|quarter past 4
noon|midnight
12 am|12 pm
8 ft|8 in
8 ft|8 m
8'|8"
5'10"|5'11"
5 ft 10 in|5 ft 1 in
5 km|5 mi
5 kg|5 lb
5 kg|5 g
12 oz|12 lb
2 l|2 ml
1 gallon|1 quart
30 c|30 f
30°C|31°C
60 mph|60 km/h
60 mph|60 m
16 gb|16 mb
5 years|5 months
5 years|5 days
30 min|30 sec
2 hours|2 days
aug 5|aug 6
june 5|july 5
june|july
may 5|5 am
5/8/2010|8/5/2010
12/25/2010|12/25/2011
december 25, 2010|december 25
may 2015|may 2016
monday|tuesday
sunday|saturday
1990|1990s
1990|1991
red and white|red and black
red and white|red
white and brown|white or brown
red, white and blue|red, white and green
2 and 3|2 or 3
2 and 3|2
cat and dog|cat and cow
dog bites man|man bites dog
tea or coffee|tea and coffee
left to right|right to left
left|right
north|south
north west|north east
st louis|st paul
main st|main ave
main st|maine
park ave|park lane
mt everest|mt rainier
dr smith|mr smith
elm street|oak street
austin, tx|boston, tx
austin, tx|austin, mn
new york|new jersey
usa|uk
north korea|south korea
los angeles|las vegas
$5|£5
$5|€5
$5|5
$5|$50
$5|5 cents
$1.25|$1.52
50 cents|50 dollars
$3 million|$3 billion
$1,200|$12,00
1,200|1.2
1,200|12000
1200|1201
1.5|15
1.5|1.50001
5k|5
5 million|5 billion
two hundred|two thousand
twelve|twenty
thirteen|thirty
seventeen|seventy
25|52
120|112
0|10
0.5|5
.5|.05
5%|5
50%|5%
50%|50
1/2|1/3
1/2|2/1
1/4|3/4
1 1/2|1/2
half|third
-3|3
4:3|3:4
10-12|10-13
10-12|1012
10-12|12-10
10 to 12|10 or 12
5+|5
<5|>5
<5|5
5 or more|5
world war 1|world war 2
world war i|world war ii
rocky ii|rocky iii
henry viii|henry vii
v|5
i|1
c|c++
c|c#
A+|A-
A+|A
b|d
man|woman
male|female
boy|girl
king|queen
cat|car
hat|cat
bear|beer
red|read
glass|grass
ship|sheep
shirt|skirt
fork|pork
lake|cake
bat|bath
plane|plant
yes|no
no|none
yes|yes and no
no|no one
no|no parking
none|one
on|off
in|out
up|down
open|closed
hot|hot dog
dog|hot dog
black|black and white
light blue|blue
dark blue|light blue
not red|red
unhappy|happy
indoors|outdoors
horse|horses and cows
pepper|peppermint
apple|pineapple
butter|butterfly
coca cola|pepsi
iphone 5|iphone 6
iphone 5|iphone 5s
model 3|model s
windows 7|windows 8
boeing 737|boeing 747
route 66|route 6
channel 5|channel 4
page 12|page 21
3d|2d
4x4|4x2
f16|f15
abc|acb
123|132
123 main st|132 main st
555-1234|555-1243
1.2.3|1.2.4
10.0.0.1|10.0.0.2
h2o|co2
ca|california
us|u
mon|moon
mars|march
second|2
third|3
first|1
dozen|10
2x|3x
size 10|size 12
level 1|level 10
"""


def _lines(table: str) -> list[list[str]]:
    return [line.split("|") for line in table.strip().splitlines()]


SAME = [(first, other) for first, *others in _lines(_SAME) for other in others]
DIFFERENT = [(left, right) for left, right in _lines(_DIFFERENT)]
