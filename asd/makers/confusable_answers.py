"""Everyday answers that may both be right of one picture though neither names the other: a laptop shows a keyboard, a
stormy sky is cloudy, and who says `perfume` means the same bottle as who says `fragrance`. Data, and the look-up.

WordNet has synonyms and broader names, but neither parts, nor places within or beside each other, nor shades that
annotators mix up. A needless pair costs an option, a missing one leaves a wrong answer that may be right. It is kept apart
from `answer_relations`, which decides on answers that an annotator gave, too.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

from asd.makers.answer_relations import entries
from asd.makers.normalise import normalise_answer

_TOGETHER = """
train, locomotive, engine, steam engine, railcar, subway, train car
tram, trolley, streetcar, subway
car: suv, jeep, van, minivan, sedan, convertible, taxi, police car
suv, jeep, van, minivan, truck, pickup
truck, trailer, semi, fire truck, dump truck, lorry, pickup, tow truck
bus, van, double decker, double decker bus, school bus, coach
bicycle, motorcycle, scooter, moped, dirt bike
carriage, cart, wagon, buggy, trailer
boat, ship, sailboat, yacht, canoe, kayak, raft, ferry, motorboat, speedboat
airplane, jet, airliner, warplane, military aircraft, glider
beer, ale, brown ale, pale ale, lager, stout, porter, ipa, pilsner, brew, brewery
ale, ipa, stout, porter
wine: champagne, chardonnay, merlot, cabernet, pinot noir, red wine, white wine, rose
coffee: latte, cappuccino, espresso, mocha, hot chocolate
tea, iced tea, green tea
juice: smoothie, lemonade, orange juice
soda: coke, pepsi, sprite, cola, ginger ale, root beer, mountain dew, pop, soft drink
liquor: whiskey, vodka, rum, gin, bourbon, scotch
perfume, fragrance, cologne, scent, aftershave, eau de toilette, deodorant
lotion, cream, body lotion, moisturizer, sunscreen, hand cream
shampoo, conditioner, body wash, soap, hand soap, shower gel
medicine, medication, pill, vitamin, supplement, tablet, drug
cloudy, overcast, gray: partly cloudy, stormy, rainy, rain, raining, foggy, fog, windy, snowy, snow, snowing, hazy, cold, storm
cloudy, overcast
stormy, rainy, rain, raining, wet, storm, windy, foggy, fog, hail
snowy, snow, snowing, cold, ice, winter
cold, cool, windy: sunny, clear, rainy, rain, foggy, fog, snowy, snow
sunny, clear, bright, partly cloudy, warm, hot, windy, daytime
bookcase, bookshelf, shelf, shelves, cabinet
cabinet, cupboard, closet, wardrobe, armoire, hutch, drawer, pantry, entertainment center, china cabinet, tv stand
dresser, chest, nightstand, drawer, chest of drawers
couch, sofa, loveseat, futon, daybed, sectional, armchair
chair, armchair, recliner, seat, stool, bench, rocking chair, office chair, throne
stool, ottoman, bench, footstool
table, desk, counter, countertop, nightstand, dining table, coffee table, end table, side table, kitchen table, computer desk
bed, mattress, bunk bed, crib, futon, sleeping bag
blanket, quilt, comforter, bedspread, sheet, throw, duvet, bedding
pillow, cushion
curtain, blind, drape, shade
rug, carpet, mat, doormat, bath mat
picture, painting, poster, photo, photograph, drawing, artwork, art, print
statue, sculpture, figurine, bust, toy
lamp, light, chandelier, light bulb, lantern, candle
sink, faucet, tap
oven: range, toaster oven, microwave
stove: oven, range, cooktop, burner
refrigerator, freezer
laptop, computer, keyboard, screen, monitor, touchpad, notebook computer, laptop computer, computer screen, computer monitor
computer, keyboard, screen, monitor, mouse, desktop computer
television, screen, monitor, computer screen, tv screen
telephone, screen, smartphone, iphone, cell phone, mobile phone, ipod
tablet, ipad, kindle, screen, ebook reader, telephone
remote, controller, remote control, wii controller, game controller, wii remote, wiimote, joystick
book, notebook, magazine, novel, textbook, booklet, journal
paper, letter, mail, envelope, document, receipt, note, newspaper, card, page
money, cash, bill, dollar bill, currency, coin, dollar
box, package, carton, container, packet, case
bag, backpack, purse, luggage, suitcase, handbag, briefcase, tote
jar, jug, canister
cup, mug, glass, tumbler, coffee cup, goblet
dish: bowl, plate, tray, saucer
plate, saucer, tray
pan, pot, skillet, wok, frying pan, saucepan
knife, blade, butter knife
sign, stop sign, street sign, traffic sign, billboard, banner, signal
pole, post, lamppost, street light
fence, gate, railing, wall, barrier
tree, bush, plant, leaf, palm, palm tree, shrub, branch, foliage
flower: rose, tulip, plant, daisy, lily, bouquet
grass, field, weed, lawn, ground, dirt, plant, hay
street, road: city, bridge, town
street, road, sidewalk, crosswalk, intersection, highway, pavement, curb, driveway, alley, lane, parking lot, walkway, path
walkway, path: doorway, terminal, hallway, bridge, trail
field, pasture, farm, meadow, grass, ranch, hill, barn, countryside, grassland, park, yard, valley, savanna
park: garden, backyard, yard, playground, lawn, skate park, forest, zoo, field
beach, shore, coast, ocean, sea, seashore, island, sand, lakeshore, water, bay
harbor, marina, dock, pier, port, wharf, bay, shore, water, lake, river
lake, river, pond, stream, creek, canal, bay, ocean, sea, water, swimming pool
mountain: valley, snow, peak, forest, field, shore, road, cliff
mountain, hill, slope, ski resort, ski slope, snow slope
forest, wood, jungle, park, mountain, tree, wilderness
desert, sand, beach, dirt
airport, runway, hangar, terminal, tarmac
train station, station, platform, subway, terminal, railway, track, bus station
city, downtown, town, intersection, road, village, street, square, plaza
store, shop, market, mall: mall, market, supermarket, grocery store, bakery, boutique, gift shop, deli, kiosk, grocery, bookstore
restaurant, cafe, bar: cafe, diner, pub, cafeteria, coffee shop, pizzeria, food court, bakery, kitchen, dining room, deli
school, classroom, library, university, college, campus, auditorium
office, conference room, cubicle, meeting room, workplace
stadium, arena, baseball field, ballpark, tennis court, field, court, gym, ball park, park
living room, den, family room, lounge, lobby, waiting room, sitting room, dining room
kitchen, dining room
bedroom, hotel room, dorm, nursery, hotel
bathroom, restroom, toilet, shower, washroom, public restroom, laundry room
hallway, lobby, entrance, foyer, corridor, entryway
patio, porch, deck, balcony, backyard, terrace, yard, garden, courtyard
museum, gallery, exhibit
church, temple, cathedral, chapel, monastery, tower
building: house, store, tower, apartment, church, school, office building, skyscraper, hotel, cabin, barn
house, home, apartment, cabin, cottage, living room
sheep, lamb, ram, ewe, bighorn sheep
goat, ram, kid, ibex
cow, cattle: calf, bull, ox, steer, bison, buffalo
cat, kitten, tabby, tabby cat, tiger cat, egyptian cat
dog: puppy, husky, wolf
horse: pony, foal, colt, donkey, mule
bear: polar bear, panda, grizzly, brown bear, cub
monkey, ape, gorilla, chimpanzee, baboon
turtle, tortoise
rabbit, bunny, hare
mouse, rat
leopard, cheetah, jaguar
alligator, crocodile
frog, toad
seal, sea lion
crow, raven, blackbird
pigeon, dove
seagull, gull, pelican, albatross
eagle, hawk, falcon, kite, vulture
duck, mallard, drake, goose, swan
deer, elk, moose, antelope, gazelle, impala
dolphin, whale, shark
toy, stuffed animal, teddy bear: doll, bear
sandwich: burger, hamburger, sub, panini, wrap, toast, hot dog, cheeseburger
hot dog, sausage, bratwurst
donut, bagel, pastry, danish, dessert
cake, dessert: cupcake, pastry, pie, brownie, muffin, frosting, birthday cake, wedding cake, cheesecake, icing
french fry, fry, chip, potato
soup, stew, chili, broth, chowder
salad, lettuce, vegetable, coleslaw, spinach
spinach, lettuce, kale, green, cabbage, basil, arugula
noodle, pasta, spaghetti, macaroni, ravioli, lasagna, fettuccine, ziti
bread: toast, bun, roll, baguette, bagel, sandwich, crust, croissant, biscuit
cookie, cracker, biscuit, girl scout cookies
candy, chocolate, candy bar
ketchup, tomato sauce, sauce, salsa, marinara, tomato
jam, jelly, preserves
yogurt, cream, pudding, ice cream, whipped cream, sour cream, frozen yogurt
cereal, oatmeal, granola, shredded wheat
salad dressing, ranch dressing, ranch, dressing, sauce
pizza: cheese, flatbread, pepperoni
ham, pork, bacon, meat, sausage
orange, tangerine, grapefruit, mandarin, clementine, citrus
lemon, lime
jacket, coat, sweater, hoodie, sweatshirt, vest, blazer, suit, cardigan, suit jacket
shirt, t-shirt, sweater, blouse, jersey, polo, tank top, sweatshirt, dress shirt, uniform
pants, jeans, trousers, khakis, leggings, snow pants
shorts, trunks, swim trunks
dress, gown, skirt, robe
swimsuit, bikini, wetsuit, bathing suit, swim trunks, trunks
hat, cap, helmet, beanie, hood, visor, baseball cap, cowboy hat
glasses, sunglasses, goggles, eyeglasses, sunglass
necklace, pendant, chain, tie
tie, bow tie, necktie, scarf
scarf, bandana, shawl
sneaker, tennis shoe, cleat, shoe
surfing, boogie boarding, bodyboarding, windsurfing, kitesurfing, paddleboarding, wakeboarding, paragliding
skiing, snow skiing, cross country skiing, ski, downhill skiing
skateboarding, skating, rollerblading, jumping, riding skateboard
eating, drinking, chewing, grazing, feeding, cooking
sleeping, resting, lying, laying, relaxing, lying down, sitting
walking, running, standing, crossing, hiking, jogging
flying, landing, taking off, soaring, floating
jumping, leaping, flying
talking, texting, talking on phone, listening, speaking, on phone
reading, studying, looking, writing
playing: playing game, playing wii, jumping, catching, throwing
cooking: baking, preparing food, cutting, grilling
posing, smiling, standing, looking, being photographed
catching, throwing, pitching, batting, swinging, hitting, playing
baseball, softball, tee ball, t ball
soccer, football, rugby
frisbee, ultimate frisbee, disc golf
kite, parachute, parasail, kite flying
board: snowboard, surfboard, skateboard
racket, tennis racket, paddle
surfboard, boogie board, paddle board, paddleboard
ball, tennis ball, baseball, soccer ball, football, basketball
wood, bamboo, wicker, hardwood, laminate, plywood, wooden, log, straw
metal, steel, iron, aluminum, chrome, silver, tin, stainless steel, wrought iron, chain link, wire, copper, brass
stone, rock: brick, concrete, cement, cobblestone, granite, marble, gravel
concrete, cement: asphalt, pavement, brick
asphalt, pavement, gravel, cobblestone
tile, ceramic, linoleum, vinyl, marble, porcelain, granite
glass, crystal, mirror
leather, vinyl, suede, fabric, pleather
fabric, cloth, cotton, denim, wool, silk, polyester, linen, nylon, velvet, felt, satin
plastic, vinyl, rubber, nylon, styrofoam, acrylic, foam
paper, cardboard
dirt, sand, gravel, mud, grass, clay, ground, soil
square, rectangle, rectangular, cube, box, diamond
round, circle, oval, sphere, circular, cylinder, dome, ball, curved
triangle, triangular, cone, pyramid
octagon, hexagon, octagonal, pentagon
striped, stripe, line, pinstripe
floral, flower, paisley
polka dot, dot, spot, dotted
checkered, plaid, checkerboard, square, check
silver: gray, white, metal
gold: yellow, tan, brown, blonde, orange, bronze, beige, light brown
tan, beige, cream, khaki, cream colored: tan, brown, white, yellow, light brown, peach, blonde
beige: gray, silver
brown, light brown, dark brown, red brown: maroon, brown, bronze, orange
dark brown, maroon: black
blonde: yellow, light brown, white, gray
teal, turquoise, aqua, cyan: green, blue, light blue, teal
maroon, burgundy: red, purple, burgundy, pink
pink: peach, purple, magenta, salmon, light purple
orange: red, peach, yellow
navy, dark blue: black, purple, dark
white, cream colored, ivory, off white, clear
dark, black, dark gray, gray
purple, violet: lavender, blue, magenta
top, up, above, upper
bottom, down, below, lower
front, forward, straight, straight ahead, ahead
back, behind, backward, rear
birthday, party, birthday party, celebration, anniversary
wedding, party, reception, celebration, wedding reception, anniversary
parade, festival, holiday, protest, carnival, fair, celebration
conference, meeting, convention, presentation, lecture
race, competition, marathon, tournament, game
morning, day, daytime, sunrise, afternoon, noon, midday, dawn
evening: afternoon, sunset, dusk, night
sunset: dusk, night, dawn, sunrise
morning, dawn, sunrise: day
spring, summer
fall, spring, autumn
american: english, western, caucasian, british
asian: chinese, japanese, korean, thai, vietnamese
chinese, japanese, korean
mexican, spanish, hispanic, latin
european: german, french, italian, dutch
england, uk, great britain, britain, scotland, london
hand, arm, finger, wrist, elbow
head, face: hair, ear, eye, nose, mouth, neck, face
leg, foot, knee, ankle, toe
chest, shoulder, neck, back, stomach
large, big, huge, tall, giant, wide, thick, long
small, short, tiny, little, thin, narrow, skinny
happy, joy, excited, content, calm, relaxed, smiling, love, happiness
sad, angry, bored, tired, serious, annoyed, upset, worried, confused
serious, calm, focused, concentration, concentrating
sky, cloud, sun, air
water, ocean, wave, lake, river, sea
snow, ice, slope, mountain
person, people, man, woman, child, crowd
electricity: battery, electric
gas, diesel, fuel, engine
steam: coal, engine
screen, monitor, website, web page, desktop
monitor, desktop computer, mouse, computer keyboard, desk
breastplate, cuirass, shield
missile, projectile
maillot, swimsuit, one-piece bathing suit, tank suit
rifle, assault rifle, military uniform
bathtub, tub
wall clock, analog clock, clock, stopwatch, watch
barbershop, barber chair
stage: microphone, electric guitar, spotlight, acoustic guitar
canoe, paddle
cassette player, radio, tape player, cd player
coffee mug, espresso, cup, coffeepot
spaghetti squash, butternut squash, acorn squash
ear, corn, maize
mushroom, agaric, bolete
plate: guacamole, meatloaf, food
bow, violin, cello
desk, desktop computer, monitor, screen
bookstore, library, bookcase
seashore, sandbar, promontory, lakeshore
overskirt, hoop skirt, gown
mailbag, backpack, purse
academic gown, mortarboard
wig, hair
"""
"""Any two names of a line may be right at once, or each in front of a colon with each other name of its line; a name may
stand in several lines."""


def _beside() -> dict[str, frozenset[str]]:
    beside: dict[str, set[str]] = {}
    for line in entries(_TOGETHER):
        first, _, second = line.partition(":")
        names = [normalise_answer(name) for name in first.split(",")]
        others = [normalise_answer(name) for name in second.split(",")] if second else names
        for name, other in product(names, [*others, *names]):
            beside.setdefault(name, set()).add(other)
            beside.setdefault(other, set()).add(name)
    return {name: frozenset(names - {name}) for name, names in beside.items()}


_BESIDE = _beside()
_MAX_WORDS = 3


@lru_cache(maxsize=1 << 16)
def _names(answer: str) -> tuple[str, ...]:
    """An answer as it is listed: whole, or by its last word ("oak bookcase")."""
    normal = normalise_answer(answer)
    if normal in _BESIDE:
        return (normal,)
    words = normal.split(" ")
    return (words[-1],) if 1 < len(words) <= _MAX_WORDS and words[-1] in _BESIDE else ()


def are_confusable(left: str, right: str) -> bool:
    """Whether a table says that both may be right of one picture. Symmetric."""
    names = _names(right)
    return bool(names) and any(name in _BESIDE[own] for own in _names(left) for name in names)
