"""Names of numbers, units, months and places in their several notations: data for `asd.makers.notation`.

Units are a table and not a unit library on purpose: such a library reads "6 pm" as picometres and "10 a" as years or
ares, and takes most of a second to load in every worker. A missing unit costs a pair that is told apart word by word.
"""

from __future__ import annotations

from fractions import Fraction

_ONES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty
""".split()
_TENS = "thirty forty fifty sixty seventy eighty ninety".split()
SMALL_NUMBERS: dict[str, int] = {
    **{name: value for value, name in enumerate(_ONES)},
    **{name: 30 + 10 * place for place, name in enumerate(_TENS)},
    "fourty": 40,
    "nil": 0,
}
SCALES: dict[str, int] = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "dozen": 12,
    "mil": 10**6,
    "mln": 10**6,
    "bn": 10**9,
}
SCALE_LETTERS: dict[str, int] = {"k": 1000, "m": 10**6, "mm": 10**6, "b": 10**9}
"""Behind a number, or behind an amount of money: "5k", "$3m"."""
ORDINALS: dict[str, int] = {
    name: place
    for place, name in enumerate(
        """
        zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
        fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
        """.split()
    )
    if place
} | {f"{name[:-1]}ieth": 30 + 10 * place for place, name in enumerate(_TENS)}
FRACTIONS: dict[str, Fraction] = {
    "half": Fraction(1, 2),
    "halves": Fraction(1, 2),
    "quarter": Fraction(1, 4),
    "quarters": Fraction(1, 4),
    **{name: Fraction(1, place) for name, place in ORDINALS.items() if 2 < place <= 12},
    **{f"{name}s": Fraction(1, place) for name, place in ORDINALS.items() if 2 < place <= 12},
}
ROMAN: dict[str, int] = {
    name: number
    for number, name in enumerate("ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split(), 2)
    if name not in ("v", "x")
}
"""Roman numerals that are no single letter, to be read behind another word ("world war ii")."""

_MONTH_NAMES = "january february march april may june july august september october november december".split()
MONTHS: dict[str, int] = {
    **{name: number for number, name in enumerate(_MONTH_NAMES, 1)},
    **{name[:3]: number for number, name in enumerate(_MONTH_NAMES, 1)},
    "sept": 9,
}
SHORT_MONTHS: dict[str, str] = {name[:3]: name for name in _MONTH_NAMES if name != "may"} | {"sept": "september"}
_DAY_NAMES = "monday tuesday wednesday thursday friday saturday sunday".split()
SHORT_DAYS: dict[str, str] = {
    "mon": "monday",
    "tue": "tuesday",
    "tues": "tuesday",
    "weds": "wednesday",
    "thu": "thursday",
    "thur": "thursday",
    "thurs": "thursday",
    "fri": "friday",
}
"""Those that are no other word: "sun", "sat" and "wed" are."""
WEEKDAYS = frozenset([*_DAY_NAMES, *SHORT_DAYS, "sat", "sun", "wed"])

_INCH = Fraction(254, 10_000)
_OUNCE = Fraction(45359237, 16 * 10**5)
_PINT = Fraction(473176473, 10**9)
_UNITS: dict[str, dict[str, str | Fraction | int]] = {
    "length": {
        "m meter metre mtr": 1,
        "km kilometer kilometre kms": 1000,
        "cm centimeter centimetre": Fraction(1, 100),
        "mm millimeter millimetre": Fraction(1, 1000),
        "um micrometer micron": Fraction(1, 10**6),
        "nm nanometer nanometre": Fraction(1, 10**9),
        "in inch inche": _INCH,
        "ft foot feet feets": 12 * _INCH,
        "yd yard": 36 * _INCH,
        "mi mile": 63360 * _INCH,
        "nmi nautical_mile": 1852,
    },
    "area": {
        "sqm sq_m square_meter square_metre m2 m^2 meter_squared": 1,
        "sqkm sq_km square_kilometer square_kilometre km2 km^2": 10**6,
        "sqcm sq_cm square_centimeter square_centimetre cm2 cm^2": Fraction(1, 10**4),
        "sqft sq_ft square_foot square_feet ft2 ft^2 sf": (12 * _INCH) ** 2,
        "sqin sq_in square_inch in2 in^2": _INCH**2,
        "sqmi sq_mi square_mile mi2": (63360 * _INCH) ** 2,
        "acre": 43560 * (12 * _INCH) ** 2,
        "ha hectare": 10**4,
    },
    "volume": {
        "l liter litre ltr lt": 1,
        "ml milliliter millilitre cc cm3 cubic_centimeter": Fraction(1, 1000),
        "cl centiliter centilitre": Fraction(1, 100),
        "dl deciliter decilitre": Fraction(1, 10),
        "fl_oz floz fluid_ounce oz ounce": _PINT / 16,
        "pt pint": _PINT,
        "qt quart": 2 * _PINT,
        "gal gallon": 8 * _PINT,
        "cup": _PINT / 2,
        "tbsp tablespoon tbs": _PINT / 32,
        "tsp teaspoon": _PINT / 96,
        "m3 cubic_meter cubic_metre cbm": 1000,
        "cuft cu_ft cubic_foot cubic_feet ft3": 1000 * (12 * _INCH) ** 3,
    },
    "mass": {
        "g gram gramme gm gr": 1,
        "kg kilogram kilogramme kilo kgs": 1000,
        "mg milligram milligramme": Fraction(1, 1000),
        "mcg microgram": Fraction(1, 10**6),
        "oz ounce": _OUNCE,
        "lb lbs pound": 16 * _OUNCE,
        "tonne metric_ton": 10**6,
        "ton": 32000 * _OUNCE,
    },
    "time": {
        "s sec second": 1,
        "ms millisecond": Fraction(1, 1000),
        "min minute mins": 60,
        "h hr hour hrs": 3600,
        "d day": 86400,
        "wk week": 7 * 86400,
    },
    "months": {"mo month mth mos": 1, "yr year y yrs": 12, "decade": 120, "century centurie": 1200},
    "speed": {
        "mph mile_per_hour mi/h": 63360 * _INCH / 3600,
        "kmh km/h kph kmph kilometer_per_hour kilometre_per_hour km/hr": Fraction(1000, 3600),
        "m/s meter_per_second metre_per_second mps": 1,
        "knot kt kts": Fraction(1852, 3600),
    },
    "celsius": {"c degree_c degree_celsius celsius degree_centigrade centigrade": 1, "degree deg": 1},
    "fahrenheit": {"f degree_f degree_fahrenheit fahrenheit": 1, "degree deg": 1},
    "angle": {"degree deg": 1},
    "bytes": {
        "kb kilobyte": 10**3,
        "mb megabyte": 10**6,
        "gb gigabyte gig": 10**9,
        "tb terabyte": 10**12,
    },
    "frequency": {"hz hertz": 1, "khz kilohertz": 10**3, "mhz megahertz": 10**6, "ghz gigahertz": 10**9},
    "power": {"w watt": 1, "kw kilowatt": 10**3, "mw megawatt": 10**6},
    "horsepower": {"hp horsepower": 1},
    "energy": {"kwh kilowatt_hour": 1},
    "calories": {"cal calorie kcal kilocalorie": 1},
    "voltage": {"v volt": 1, "kv kilovolt": 1000},
    "current": {"a amp ampere": 1, "ma milliamp": Fraction(1, 1000)},
    "pixels": {"mp megapixel": 10**6, "px pixel": 1},
    "pressure": {"psi pound_per_square_inch": 1},
    "rotation": {"rpm revolution_per_minute": 1},
    "decibels": {"db decibel": 1},
    "stars": {"star": 1},
    "number": {"percent pct percentage per_cent": Fraction(1, 100)},
    "usd": {
        "dollar usd us_dollar u_dollar buck american_dollar": 1,
        "cent ct": Fraction(1, 100),
        "c": Fraction(1, 100),
    },
    "eur": {"euro eur": 1, "cent ct eurocent": Fraction(1, 100)},
    "gbp": {"pound gbp quid pound_sterling british_pound": 1, "penny pence p": Fraction(1, 100)},
    "jpy": {"yen jpy japanese_yen": 1},
    "inr": {"rupee inr r rs indian_rupee": 1},
    "cny": {"yuan cny rmb renminbi": 1},
    "krw": {"won krw": 1},
    "cad": {"cad canadian_dollar": 1},
    "aud": {"aud australian_dollar": 1},
    "rub": {"ruble rub rouble": 1},
    "mxn": {"peso mxn": 1},
    "chf": {"franc chf swiss_franc": 1},
}
UNITS: dict[str, list[tuple[str, Fraction]]] = {}
"""Name of a unit in the singular -> (what it measures, how many of the smallest name's); several where a name does."""
for _measure, _names in _UNITS.items():
    for _spelt, _factor in _names.items():
        for _name in _spelt.split():
            UNITS.setdefault(_name.replace("_", " "), []).append((_measure, Fraction(_factor)))

CURRENCIES: dict[str, str] = {
    "us$": "usd", "u.s.$": "usd", "usd$": "usd", "usd": "usd", "$": "usd", "ca$": "cad", "c$": "cad", "cad": "cad",
    "au$": "aud", "a$": "aud", "aud": "aud", "£": "gbp", "gbp": "gbp", "€": "eur", "eur": "eur", "¥": "yen", "jpy": "yen",
    "₹": "inr", "inr": "inr", "rs": "inr", "rs.": "inr", "₩": "krw", "₽": "rub", "cny": "cny", "rmb": "cny", "chf": "chf",
}  # fmt: skip
"""What stands before an amount -> the name of the unit behind it."""

_WORDS = """
mtn/mountain mtns/mountain rd/road ln/lane hwy/highway pkwy/parkway blvd/boulevard ave/avenue av/avenue
bldg/building apt/apartment dept/department univ/university corp/corporation inc/incorporated
ltd/limited bros/brother govt/government natl/national intl/international assn/association assoc/association
mr/mister prof/professor capt/captain sgt/sergeant gov/governor sen/senator rev/reverend jr/junior
sr/senior mfg/manufacturing mgr/manager tel/telephone temp/temperature info/information photo/photograph pic/photograph
veg/vegetable veggie/vegetable veggies/vegetable fave/favorite rhino/rhinoceros hippo/hippopotamus croc/crocodile
ref/referee tv/television tvs/television cds/cd dvds/dvd ad/advertisement advert/advertisement limo/limousine gym/gymnasium
exam/examination math/mathematics maths/mathematics mic/microphone
pkg/package pcs/piece qty/quantity wt/weight ht/height xmas/christmas
bbq/barbecue barbeque/barbecue thru/through nite/night lite/light pg/page pgs/page vol/volume
champ/champion fridge/refrigerator bros/brother
sq/square
"""
ABBREVIATIONS: dict[str, str] = dict(pair.split("/") for pair in _WORDS.split())
ABBREVIATIONS |= SHORT_MONTHS | SHORT_DAYS
FIRST_ABBREVIATIONS: dict[str, str] = {
    "st": "saint", "ste": "saint", "mt": "mount", "ft": "fort", "dr": "doctor", "pt": "point", "pres": "president",
}  # fmt: skip
"""Before a name: "st louis"."""
LAST_ABBREVIATIONS: dict[str, str] = {
    "st": "street", "str": "street", "dr": "drive", "ct": "court", "pl": "place", "mt": "mountain", "ctr": "center",
    "co": "company", "hts": "height", "sta": "station", "cir": "circle", "ter": "terrace",
}  # fmt: skip
"""Behind a name: "main st"."""
_NAMES = """
usa: u s, us, u s a, united states, united states of america, america, us of a
uk: u k, united kingdom
uae: united arab emirates
ussr: soviet union
nyc: new york city, n y c
la: los angeles, l a
sf: san francisco
dc: washington dc, washington d c, d c
television: tele vision, telly, t v
pc: personal computer
atm: automated teller machine, automatic teller machine, cash machine
cd: compact disc, compact disk
dvd: digital video disc
ac: air conditioner, air conditioning, a c, aircon
barbecue: bar b q, barbe que
nba: national basketball association
nfl: national football league
mlb: major league baseball
nhl: national hockey league
nasa: national aeronautics and space administration
fbi: federal bureau of investigation
un: united nations
eu: european union
suv: sport utility vehicle, sports utility vehicle
rv: recreational vehicle
atv: all terrain vehicle
ufo: unidentified flying object
diy: do it yourself
asap: as soon as possible
rip: rest in peace
id: identification
vip: very important person
ceo: chief executive officer
gps: global positioning system
usb: universal serial bus
tshirt: tee shirt, tee
pb and j: pbj, pb j, peanut butter and jelly
mlk: martin luther king
jfk: john f kennedy
ups: united parcel service
usps: united states postal service
ibm: international business machines
ge: general electric
hp: hewlett packard
vw: volkswagen
mcdonald: mcdonalds, mickey d, micky d
kfc: kentucky fried chicken
oj: orange juice
bw: black and white, b and w, b w
na: not applicable, n a
"""
NAMES: dict[str, tuple[str, ...]] = {
    name: tuple(other.strip() for other in others.split(","))
    for name, others in (line.split(":") for line in _NAMES.strip().splitlines())
}
"""A whole answer's short name -> its other names."""
_STATES = """
al alabama,ak alaska,az arizona,ar arkansas,ca california,co colorado,ct connecticut,de delaware,fl florida,ga georgia,
hi hawaii,id idaho,il illinois,in indiana,ia iowa,ks kansas,ky kentucky,la louisiana,me maine,md maryland,
ma massachusetts,mi michigan,mn minnesota,ms mississippi,mo missouri,mt montana,ne nebraska,nv nevada,nh new hampshire,
nj new jersey,nm new mexico,ny new york,nc north carolina,nd north dakota,oh ohio,ok oklahoma,or oregon,pa pennsylvania,
ri rhode island,sc south carolina,sd south dakota,tn tennessee,tx texas,ut utah,vt vermont,va virginia,wa washington,
wv west virginia,wi wisconsin,wy wyoming
"""
STATES: dict[str, str] = {entry.strip()[:2]: entry.strip()[3:] for entry in _STATES.replace("\n", "").split(",")}
"""Codes of states of the USA, as written behind a place ("austin, tx") or alone in capitals."""
COLOURS = frozenset(
    """
    black white red blue green yellow brown gray grey orange pink purple tan beige gold silver maroon navy teal cream
    violet turquoise
    """.split()
)
