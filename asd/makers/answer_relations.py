"""Everyday words that name the same thing or a broader one: data for `asd.makers.normalise`, nothing else.

Visual answers are short and common, so a small table covers most of them. A missing pair costs a questionable
option, a needless one nothing.
"""

from __future__ import annotations

_SAME = """
couch, sofa, loveseat
motorcycle, motorbike
telephone, cell telephone, mobile telephone, smartphone, mobile, iphone, cell
airplane, plane, jet, aircraft
photograph, picture, image
pant, trouser
rock, stone
sidewalk, pavement, footpath
road, street
beige, tan, cream, khaki
purple, violet
gray, silver
cup, mug
purse, handbag, bag
trash, garbage, rubbish, litter
trash can, garbage can, bin, dustbin, trashcan
hat, cap
jacket, coat, blazer
ocean, sea, water
beach, shore, seashore, coast
forest, wood, woods
kid, child
male, man, guy, gentleman
female, woman, lady
restroom, bathroom, washroom, toilet, lavatory
none, 0, nothing, no, no one, nobody, nowhere
many, lot, several, a lot, alot
outside, outdoor
inside, indoor
happy, smiling, smile
picture frame, frame
drape, curtain
truck, lorry
suv, car
store, shop
soda, pop, coke
ship, boat
doughnut, donut
hot dog, hotdog, sausage
lamp, light
rug, carpet, mat
laptop, computer, notebook, pc
desk, table
monitor, screen, display, television
cab, taxi
bedspread, comforter, blanket, bedding
veggy, vegetable
pepperoni pizza, pizza
noon, midday
day, daytime, day time
night, nighttime, night time
evening, dusk, sunset
morning, dawn, sunrise
usa, u, us, america, united state, united state of america, american
uk, united kingdom, great britain, britain, england
unanswerable, unknown, unsure, not sure, dont know, i dont know, cant tell, unclear, unsuitable, unsuitable
  image, unreadable, not visible, not possible
wood, wooden
metal, steel, iron, aluminum
brick, stone, concrete, cement
cloudy, overcast, gray
sunny, clear, bright
rainy, rain, raining, stormy, storm, wet
snowy, snow, snowing
cursive, handwriting
multi colored, multicolored, multi color, colorful, multicolor
large, big, huge
small, little, tiny
tennis racket, racket, racquet
ball, baseball, tennis ball, soccer ball
dirt, soil, mud, earth
grass, lawn, field
1, single
2, pair, couple, both
12, dozen
skateboard, skateboarding, skating
ski, skiing
stove, oven, range
faucet, tap
countertop, counter
nightstand, bedside table, end table
backpack, rucksack, knapsack
suitcase, luggage
toilet paper, tissue
"""

_BROADER = """
person, human: man, woman, boy, girl, child, kid, baby, lady, guy, gentleman, adult, player, batter,
  catcher, pitcher, umpire, skier, surfer, snowboarder, skateboarder, rider, driver, chef, cook, officer,
  policeman, passenger, pedestrian, student, teacher, crowd, family, audience, mother, father, grandmother,
  grandfather, bride, groom, worker, fan, spectator, coach, farmer, soldier, fireman, waiter, cowboy, biker,
  cyclist, jockey, swimmer, friend
man, woman, boy, girl, child, lady, guy: player, batter, catcher, pitcher, umpire, skier, surfer,
  snowboarder, skateboarder, rider, driver, chef, cook, officer, passenger, pedestrian, student, teacher,
  worker, spectator, swimmer, adult, kid, baby
woman: lady, mother, bride, girl, grandmother, wife
man: gentleman, guy, father, groom, boy, grandfather, husband, cowboy
child, kid: boy, girl, baby, toddler
animal: dog, cat, horse, cow, sheep, elephant, giraffe, zebra, bear, bird, lion, tiger, monkey, goat, pig,
  duck, deer, puppy, kitten, bull, calf, lamb, fish, rabbit, rhino, chicken, polar bear, teddy bear, camel,
  donkey, pony
dog: puppy, poodle, bulldog, beagle, terrier, labrador, collie, husky, pug, retriever, dachshund, chihuahua,
  spaniel
cat: kitten, tabby, siamese
cow, cattle: bull, calf, ox, cattle, steer
horse: pony
bird: duck, seagull, pigeon, parrot, owl, eagle, goose, swan, chicken, penguin, robin, crow, hawk, peacock,
  rooster, ostrich, flamingo, pelican, sparrow, hen
vehicle: car, truck, bus, van, motorcycle, bicycle, scooter, taxi, train, suv, jeep, tractor, boat,
  ambulance
car: sedan, taxi, jeep, van, minivan, suv, convertible
truck: pickup, semi, van
boat, ship: sailboat, canoe, kayak, yacht, ferry, raft
furniture: chair, table, couch, sofa, desk, bed, dresser, bookshelf, bookcase, cabinet, stool, bench,
  armchair, ottoman
chair, seat: armchair, stool, recliner, rocker, bench
table: desk, nightstand
food: pizza, sandwich, hamburger, burger, salad, cake, donut, bread, rice, pasta, soup, meat, chicken,
  fruit, vegetable, dessert, bagel, taco, noodle, cheese, egg, sausage, fry, hotdog, dog, pie, steak,
  cookie, snack, breakfast, lunch, dinner, meal
fruit: apple, banana, orange, pear, strawberry, grape, lemon, lime, pineapple, watermelon, melon, peach,
  berry, blueberry, kiwi, mango, cherry, tomato
vegetable: broccoli, carrot, onion, lettuce, tomato, cucumber, spinach, corn, pea, celery, cauliflower,
  potato, cabbage, mushroom, bean, asparagus, zucchini, radish, pepper
meat: chicken, beef, ham, bacon, pork, turkey, steak, sausage, fish, pepperoni
dessert: cake, pie, donut, cookie, cupcake, pastry, cream, brownie
drink, beverage, liquid: water, coffee, tea, beer, wine, juice, soda, milk, coke, lemonade, cocktail,
  smoothie
alcohol: beer, wine, vodka, whiskey, champagne, rum, liquor, cocktail
sandwich: burger, hamburger, sub, hotdog, panini
clothes, clothing: shirt, jacket, coat, pant, jean, short, dress, skirt, sweater, hat, tie, suit, sock,
  shoe, hoodie, uniform, vest, scarf, glove
shirt: tshirt, blouse, polo, tank, sweater, sweatshirt
pant: jean, khaki, slack, legging
shoe: sneaker, boot, sandal, heel, slipper, flop, cleat
hat: helmet, beanie, cowboy, visor, fedora
jacket: coat, vest, hoodie, sweater
sport: tennis, baseball, soccer, football, basketball, skiing, snowboarding, surfing, skateboarding,
  frisbee, golf, hockey, volleyball, rugby, cricket
toy: doll, bear, lego, frisbee, kite
plant: tree, flower, bush, grass, fern, cactus, shrub, rose, ivy, palm
tree: palm, pine, oak, evergreen, maple, christmas
flower: rose, tulip, daisy, sunflower, lily, carnation, orchid, petal
bush: shrub, hedge
building, structure: house, church, school, hotel, hospital, store, shop, barn, skyscraper, castle, tower,
  apartment, restaurant, station, garage, temple, office
room: bedroom, bathroom, kitchen, office, livingroom, garage, classroom, hallway
electronic, device: laptop, computer, telephone, television, camera, keyboard, monitor, tablet, remote,
  phone
utensil, silverware: fork, knife, spoon, spatula, chopstick
container: box, bowl, cup, jar, bottle, basket, bucket, can, bag, vase
dish, dishes: plate, bowl, cup
material: wood, metal, plastic, glass, concrete, brick, stone, leather, fabric, cloth, ceramic, paper,
  cotton
fabric, cloth: cotton, denim, wool, silk, polyester, leather, linen
red: maroon, burgundy, crimson, scarlet, pink
blue: navy, teal, turquoise, aqua, cyan, indigo
green: olive, lime, teal, turquoise
yellow: gold, blonde, blond
brown: tan, beige, bronze, chocolate
white: cream, ivory, beige
dark: black, brown, navy
purple: lavender, violet, maroon, burgundy, magenta
evening, night: dusk
day, daytime: morning, afternoon, noon, sunny
"""


def entries(table: str) -> list[str]:
    """One entry per line; an indented line goes on with the one before."""
    return table.strip().replace("\n  ", " ").splitlines()


SAME: tuple[tuple[str, ...], ...] = tuple(tuple(name.strip() for name in line.split(",")) for line in entries(_SAME))
"""Names of one thing; a name in two entries counts for the first one."""


def _broader_words() -> dict[str, frozenset[str]]:
    broader: dict[str, set[str]] = {}
    for line in entries(_BROADER):
        above, below = line.split(":")
        for word in below.split(","):
            broader.setdefault(word.strip(), set()).update(name.strip() for name in above.split(","))
    return {word: frozenset(names - {word}) for word, names in broader.items()}


BROADER: dict[str, frozenset[str]] = _broader_words()
"""Word -> words that are also true of what it names."""
