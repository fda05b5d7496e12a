"""What kind of thing an everyday answer names: data, and the look-up by its last word ("oak chair" ->
furniture).

Wrong answers are drawn from answers of the gold one's type, so that "What room is this?" is not offered a
pizza.
A word in two entries counts for the first one. A missing word costs nothing but a less fitting set of
options.
"""

from __future__ import annotations

from functools import lru_cache

from asd.makers.normalise import normalise_answer
from asd.makers.noun_taxonomy import wordnet_nouns

_TYPES = """
side: left, right, middle, center, front, back, behind, left side, right side, forward, backward, sideways, straight,
  straight ahead, on left, on right, to left, to right
height: top, bottom, above, below, up, down, underneath
compass: north, south, east, west, southeast, southwest, northeast, northwest
fodder: hay, grain
daytime: morning, afternoon, evening, night, noon, day, daytime, nighttime, dawn, dusk, sunset, sunrise,
  midday, midnight, night time, day time
season: summer, winter, spring, fall, autumn
weather: sunny, cloudy, overcast, rainy, rain, snowy, foggy, clear, stormy, windy, partly cloudy, cold,
  hot, warm, snow, fog, hail, raining, snowing, cool
sport: tennis, baseball, soccer, football, basketball, frisbee, golf, hockey, volleyball, rugby, cricket,
  polo, softball, lacrosse, badminton, ping pong, boxing, wrestling, gymnastics, ultimate frisbee, skiing,
  snowboarding, surfing, skateboarding, bowling, racing, motocross, rodeo, swimming, ski, surf, snowboard,
  skateboard, kite flying, sledding, ice skating, water skiing, kitesurfing, windsurfing, parasailing,
  wakeboarding, horse riding, horse racing
activity: eating, sleeping, walking, running, sitting, standing, playing, riding, reading, talking,
  drinking, cooking, jumping, posing, waiting, looking, watching, working, grazing, flying, driving,
  lying, resting, smiling, writing, shopping, cutting, drawing, swinging, throwing, catching, laughing,
  dancing, singing, texting, typing, biking, brushing, feeding, fishing, hiking, kissing, kneeling,
  crouching, leaning, pitching, batting, serving, barking, relaxing, staring, yawning, parking, pulling,
  pushing, holding, carrying, praying, hugging, moving, stopping, turning, bending, squatting, laying,
  hanging, cleaning, washing, crossing, falling, floating, landing, taking off, playing wii, playing game,
  talking on phone, taking picture, hitting ball, chewing, thinking, traveling, learning
feeling: happy, sad, angry, excited, bored, scared, tired, surprised, calm, serious, worried, sleepy,
  nervous, confused, content, joy, fear, concentration, happiness, sadness, anger, love, hungry, annoyed,
  curious, relaxed
person: man, woman, boy, girl, child, kid, baby, lady, guy, adult, player, batter, catcher, pitcher,
  umpire, skier, surfer, snowboarder, skateboarder, rider, driver, chef, cook, officer, policeman,
  passenger, pedestrian, student, teacher, crowd, family, audience, mother, father, grandmother,
  grandfather, bride, groom, worker, spectator, coach, farmer, soldier, fireman, firefighter, waiter,
  waitress, cowboy, biker, cyclist, bicyclist, motorcyclist, jockey, swimmer, friend, people, person,
  parent, couple, wife, husband, daughter, son, brother, sister, tourist, police, owner, photographer,
  businessman, athlete, pilot, doctor, nurse, santa, gentleman, clown, visitor, customer, skater, referee,
  boss, model, artist, musician, singer, mom, dad, mailman, shepherd, conductor, toddler, teenager, golfer
animal: german shepherd, dog, cat, horse, cow, sheep, elephant, giraffe, zebra, bear, bird, lion, tiger,
  monkey, goat, pig, duck, deer, puppy, kitten, bull, calf, lamb, fish, rabbit, rhino, polar bear, teddy
  bear, camel, donkey, pony, seagull, pigeon, parrot, owl, eagle, goose, swan, penguin, robin, crow, hawk,
  peacock, rooster, ostrich, flamingo, pelican, sparrow, hen, poodle, bulldog, beagle, terrier, labrador,
  collie, husky, pug, retriever, dachshund, chihuahua, spaniel, ox, cattle, squirrel, frog, snake, turtle,
  butterfly, bee, spider, dragon, dinosaur, mouse, rat, fox, wolf, leopard, cheetah, hippo, kangaroo,
  koala, panda, ram, antelope, buffalo, moose, gorilla, whale, dolphin, shark, seal, crab, lizard,
  alligator, crocodile, ladybug, insect, animal, heron, dove, finch, turkey, chicken, bunny, sea lion,
  toad, newt, salamander, beetle, ant, cricket, mantis, hornbill, lobster, crayfish, snail, slug,
  jellyfish, coral, starfish, urchin, ibex, gazelle, boar, warthog, hyena, otter, skunk, badger,
  armadillo, sloth, orangutan, chimpanzee, gibbon, baboon, macaque, lemur, tortoise, iguana, chameleon,
  cobra, viper, rattlesnake, mamba, tarantula, scorpion, tick, centipede, grouse, quail, partridge,
  toucan, drake, stork, spoonbill, crane, bustard, albatross, beaver, guinea pig, hamster, porcupine,
  marmot, bison, water buffalo, llama, weasel, mink, polecat, cougar, lynx, jaguar, coyote, jackal, dingo,
  hound, setter, sheepdog, mastiff, corgi, malamute, vulture, magpie, jay, bulbul, junco, bunting, macaw,
  cockatoo, lorikeet, hummingbird, grasshopper, cicada, dragonfly, damselfly, goldfish, stingray, eel,
  salmon, pufferfish, sturgeon, anemone, flatworm, nematode, conch, chiton
vehicle: car, truck, bus, van, motorcycle, bicycle, scooter, taxi, train, suv, jeep, tractor, boat,
  ambulance, sedan, minivan, convertible, airplane, helicopter, trailer, wagon, carriage, cart, ship,
  sailboat, canoe, kayak, yacht, ferry, raft, trolley, tram, subway, moped, cab, limo, fire truck, dump
  truck, police car, jet, plane, bike, vehicle, pickup, semi, double decker, double decker bus, school
  bus, locomotive, snowmobile, motorhome, rv, bulldozer, crane, limousine, tank, submarine, airship,
  tricycle, racing car, streetcar, rickshaw
room: bedroom, bathroom, kitchen, office, living room, livingroom, dining room, garage, classroom,
  hallway, lobby, basement, closet, attic, den, laundry room, conference room, restroom, waiting room,
  hotel room, playroom, nursery, foyer, family room, porch, balcony, patio
place: swimming pool, waiting area, beach, park, airport, zoo, farm, city, street, restaurant, hotel,
  house, home, church, school, hospital, store, shop, mall, market, bakery, library, museum, stadium,
  forest, field, mountain, desert, ocean, lake, river, yard, backyard, garden, train station, bus stop,
  bus station, station, parking lot, ski resort, skate park, playground, tennis court, court, gym, pool,
  barn, castle, tower, apartment, temple, bar, cafe, bridge, harbor, marina, dock, pier, road, highway,
  sidewalk, intersection, runway, country, countryside, town, village, jungle, woods, safari, ranch,
  pasture, cemetery, circus, theater, bank, supermarket, grocery store, gas station, factory, warehouse,
  building, skyscraper, baseball field, ball park, hill, island, shore, valley, cliff, alley, ramp, deli,
  diner, fairground, hangar, lighthouse, platform, square, snow slope, slope, lobby, ballpark, arena,
  campus, pond
nationality: american, british, english, french, german, chinese, japanese, spanish, asian, indian,
  italian, arabic, russian, mexican, korean, thai, african, african american, hispanic, european,
  canadian, dutch, swedish, greek, portuguese, irish, latin, hebrew, turkish, australian, swiss,
  vietnamese, caucasian
city: london, paris, new york, chicago, boston, los angeles, seattle, san francisco, new york city,
  sydney, san diego, toronto, las vegas, washington, dallas, houston, detroit, philadelphia, miami,
  atlanta, tokyo, berlin, rome, dublin, portland, denver, baltimore, vancouver, montreal, melbourne,
  beijing, amsterdam, austin, oakland, pittsburgh
state: california, florida, texas, virginia, arkansas, ohio, michigan, oregon, colorado, arizona, utah,
  nevada, georgia, alabama, illinois, indiana, iowa, kansas, kentucky, louisiana, maine, maryland,
  massachusetts, minnesota, mississippi, missouri, montana, nebraska, new hampshire, new jersey, new
  mexico, north carolina, north dakota, oklahoma, pennsylvania, rhode island, south carolina, south
  dakota, tennessee, vermont, west virginia, wisconsin, wyoming, hawaii, alaska, idaho, delaware,
  connecticut
country: usa, china, england, japan, canada, france, germany, italy, india, russia, mexico, spain,
  australia, ireland, brazil, thailand, uk, united states, great britain, scotland, korea, south korea,
  america, netherlands, belgium, austria, switzerland, sweden, norway, denmark, finland, poland, portugal,
  greece, turkey, egypt, south africa, nigeria, kenya, argentina, chile, colombia, peru, vietnam,
  indonesia, malaysia, singapore, philippines, pakistan, bangladesh, israel, iran, iraq, saudi arabia,
  united arab emirates, ukraine, hungary, romania, bulgaria, croatia, serbia, cuba, new zealand, united
  kingdom, czech republic, ghana, ethiopia, taiwan, ecuador, bolivia, venezuela, uruguay, wales
continent: africa, asia, europe, north america, south america, antarctica
month: january, february, march, april, may, june, july, august, september, october, november, december
weekday: monday, tuesday, wednesday, thursday, friday, saturday, sunday
material: wood, metal, plastic, glass, concrete, brick, stone, leather, fabric, cloth, ceramic, paper,
  cotton, marble, tile, rubber, steel, granite, cement, wool, denim, silk, polyester, cardboard, clay,
  straw, bamboo, wicker, stainless steel, porcelain, gravel, asphalt, dirt, sand, carpet, hardwood,
  linoleum, nylon, fur, foil, velvet, linen, aluminum, copper, chrome, styrofoam, mesh, lace, canvas,
  vinyl, chain link, tin, wooden, wrought iron, cobblestone
pattern: striped, stripes, plaid, checkered, polka dots, polka dot, floral, solid, paisley, flowers,
  camouflage, spots, dots, checkerboard, zigzag, argyle, diamonds, plain, lines, leopard print
shape: circle, square, rectangle, triangle, oval, round, rectangular, diamond, star, heart, octagon,
  cylinder, cone, triangular, circular, hexagon, cube, sphere, spiral, octagonal, pentagon
size: small, large, big, short, tall, long, huge, tiny, medium, little, thin, thick, wide, narrow, giant,
  skinny
sleeve: short sleeved, long sleeved, sleeveless
footwear: hiking boots, shoe, shoes, sock, boot, boots, sandal, sandals, heels, high heels, slipper, flip
  flop, sneaker, tennis shoes, cleat, loafer, clog, converse, crocs, barefoot, flats, skates, roller
  skates
headwear: hat, cap, helmet, beanie, visor, headband, bandana, crown, wig, baseball cap, cowboy hat,
  bonnet, sombrero, fedora, hood, turban, top hat, tiara, hijab, straw hat, santa hat, ski mask, mask,
  goggles, sunglasses, glasses, sunglass, eye glasses, eyeglasses, hard hat, headphones, shower cap, crash
  helmet
clothing: shirt, jacket, coat, pants, jeans, shorts, dress, skirt, sweater, tie, suit, hoodie, uniform,
  vest, scarf, glove, gloves, tshirt, t shirt, blouse, polo shirt, tank top, sweatshirt, wetsuit,
  swimsuit, bikini, apron, belt, robe, gown, jersey, bow tie, necklace, bracelet, ring, watch, earring,
  bathing suit, kimono, trunks, khakis, leggings, bra, mitten, poncho, cardigan, overalls, tuxedo,
  costume, backpack, purse, handbag, sarong, cloak, miniskirt, pajamas, brassiere, wristband, lanyard,
  swim trunks, capris, sleeveless shirt, blazer, outfit, suspenders, shawl, kilt, toga
furniture: chair, table, couch, sofa, desk, bed, dresser, bookshelf, bookcase, cabinet, stool, bench,
  armchair, ottoman, shelf, nightstand, wardrobe, drawer, recliner, cupboard, crib, rocking chair, coffee
  table, dining table, mattress, bunk bed, loveseat, end table, side table, entertainment center, hutch,
  file, china cabinet, cradle, bassinet
food: pizza, sandwich, hamburger, burger, salad, cake, donut, bread, rice, pasta, soup, meat, fruit,
  vegetable, dessert, bagel, taco, noodle, cheese, egg, sausage, fries, french fries, hotdog, hot dog,
  pie, steak, cookie, apple, banana, orange, pear, strawberry, grape, lemon, lime, pineapple, watermelon,
  melon, peach, berry, blueberry, kiwi, mango, cherry, tomato, broccoli, carrot, onion, lettuce, cucumber,
  spinach, corn, pea, celery, cauliflower, potato, cabbage, mushroom, bean, asparagus, zucchini, radish,
  pepper, peppers, beef, ham, bacon, pork, pepperoni, cupcake, pastry, ice cream, brownie, ketchup,
  mustard, sauce, chips, cereal, candy, chocolate, sprinkles, frosting, icing, powdered sugar, syrup,
  butter, jelly, nuts, olives, basil, parsley, garlic, croissant, muffin, waffle, pancake, toast, omelet,
  burrito, sushi, chili, mayonnaise, relish, oatmeal, yogurt, popcorn, pretzel, cracker, avocado,
  raspberry, coconut, pumpkin, squash, eggplant, pickle, bun, breakfast, lunch, dinner, brunch, snack,
  salt, sugar, whipped cream, cherries, sesame seeds, seafood, shrimp, herb, artichoke, fig, pomegranate,
  trifle, carbonara, dough, meatloaf, guacamole, consomme, granola, peanut butter, hash brown,
  mashed potatoes, tortilla
drink: water, coffee, tea, beer, wine, juice, soda, milk, coke, lemonade, cocktail, smoothie, vodka,
  whiskey, champagne, rum, liquor, orange juice, red wine, white wine, alcohol, espresso, sprite, pepsi,
  coca cola, eggnog, margarita, hot chocolate, latte, cappuccino, cider, iced tea
tableware: cutting board, fork, knife, spoon, spatula, chopsticks, plate, bowl, cup, mug, glass, bottle,
  tray, pan, pot, napkin, wine glass, toothpick, tongs, ladle, wok, skillet, saucer, pitcher, teapot, jug,
  jar, vase, basket, box, bucket, can, bag, straw, coffeepot, corkscrew, can opener, strainer, whisk,
  carafe, barrel, thermos, lid
device: laptop, computer, telephone, television, tv, camera, keyboard, monitor, tablet, remote, phone,
  cell phone, controller, wii remote, wiimote, wii controller, game controller, wii, radio, speaker,
  printer, projector, microphone, mouse, ipod, ipad, iphone, headphones, clock, fan, lamp, microwave,
  oven, stove, refrigerator, fridge, toaster, dishwasher, blender, washing machine, washer, dryer, coffee
  maker, hair dryer, blow dryer, calculator, dvd player, vacuum, heater, radiator, air conditioner, modem,
  router, desktop, desktop computer, notebook computer, scale, computer keyboard, computer mouse,
  joystick, loudspeaker, typewriter, photocopier, iron, sewing machine, coffee pot
equipment: fishing pole, fishing rod, sleeping bag, racket, tennis racket, bat, baseball bat, ball, tennis
  ball, soccer ball, ski pole, poles, snowboard, skis, skateboard, surfboard, frisbee, kite, umbrella,
  skateboards, baseball glove, mitt, net, paddle, oar, rope, leash, life jacket, life vest, wakeboard,
  golf club, hockey stick, basketball, football, volleyball, tent, boogie board, helmets, stick, sled,
  parachute, trophy, medal, balloon, flag, toy, doll, stuffed animal, stuffed bear, lego, stroller, broom,
  mop, shovel, rake, hammer, screwdriver, scissors, drill, saw, ladder, pliers, wrench, axe, hatchet,
  pencil, pen, marker, paintbrush, toothbrush, razor, comb, brush, book, magazine, newspaper, paper,
  envelope, suitcase, luggage, briefcase, pillow, blanket, towel, soap, toothpaste, shampoo, candle,
  lighter, cigarette, pipe, cane, crutch, sword, gun, knife block
household: ironing board, sink, toilet, bathtub, tub, shower, faucet, mirror, curtain, curtains, window,
  door, wall, ceiling, floor, rug, carpet, fireplace, counter, countertop, blinds, shower curtain, toilet
  paper, tissue, trash can, painting, picture, poster, chandelier, stairs, railing, outlet, light, light
  switch, doorknob, shade, bathroom sink, urinal, cabinets, plunger, medicine cabinet, towel rack, soap
  dispenser, picture frame, piggy bank
street thing: fire hydrant, stop sign, traffic light, parking meter, street sign, street light, sign,
  bench, pole, billboard, fence, gate, mailbox, statue, fountain, lamppost, cone, traffic cone, barrier,
  manhole, crosswalk, tracks, train tracks, power lines, phone booth, trash bin, dumpster, awning, wires,
  monument, arch, chimney, graffiti
event: christmas, wedding, birthday, parade, party, graduation, prom, halloween, thanksgiving, easter,
  birthday party, olympics, meeting, conference, concert, funeral, festival, carnival, picnic, wine
  tasting, race, marathon, competition, tournament, celebration, fair, wedding reception, new years,
  protest, holiday, valentines day, super bowl, july 4th
power: electricity, electric, gas, steam, diesel, wind, solar, coal, battery, gasoline, sail, motor,
  engine, horse power
sign text: stop, one way, yield, do not enter, no parking, speed limit, slow, exit, walk, caution, go, no
  smoking, danger, keep out, no entry, closed road, for sale, welcome
flavour: vanilla, strawberry banana, french vanilla, mint, caramel, cinnamon, ginger, honey, hazelnut,
  bbq, barbecue
nature: tree, trees, flower, bush, grass, leaf, leaves, fern, cactus, shrub, rose, ivy, palm, pine, oak,
  evergreen, maple, christmas tree, palm tree, pine tree, tulip, daisy, sunflower, lily, carnation,
  orchid, petal, hedge, rock, stone, mountains, clouds, cloud, sky, sun, moon, snow, ice, mud, wave,
  waves, plant, plants, hills, vine, log, weeds, branch, branches, roses, daffodil, fog, shadow, sunlight
body: hand, hands, head, arm, leg, foot, feet, face, hair, neck, shoulder, back, knee, ear, eye, eyes,
  nose, mouth, tail, beard, mustache, goatee, finger, tongue, teeth, paw, trunk, wing, wings, beak, mane,
  lap, chest, wrist, waist, horns, tusks, antlers, hoof, feathers, stomach, skin
brand: nike, adidas, dell, apple, samsung, sony, nokia, motorola, lg, hp, microsoft, toshiba, ford,
  toyota, honda, chevrolet, chevy, bmw, mercedes, nissan, volkswagen, vw, jeep, dodge, harley, harley
  davidson, yamaha, suzuki, kawasaki, wilson, head, prince, burton, billabong, quiksilver, puma, under
  armour, gap, starbucks, mcdonalds, heineken, budweiser, bud light, corona, google, yahoo, canon, nikon,
  asus, acer, lenovo, logitech, panasonic, nintendo, delta, american airlines, united, southwest, jetblue,
  lufthansa, british airways, klm, emirates, qantas, air france, virgin, easyjet, ryanair, fedex, ups,
  rolex, converse, vans, red bull, monster, dunlop, babolat, bic, citizen, coach, columbia, north face,
  hanes, levis, polo, reebok, champion, spalding, rawlings, ge, whirlpool, kenmore, kitchenaid, chiquita,
  dole, blackberry, htc, mazda, subaru, kia, hyundai, volvo, audi, fiat, ducati
"""


def _read_types() -> tuple[dict[str, str], dict[str, str]]:
    """Types by the word as it stands ("woods", "shorts") and by its normalised form ("wood", "short")."""
    plain: dict[str, str] = {}
    normal: dict[str, str] = {}
    for line in _TYPES.strip().replace("\n  ", " ").splitlines():
        name, words = line.split(":")
        for word in words.split(","):
            plain.setdefault(word.strip(), name)
            normal.setdefault(normalise_answer(word), name)
    return plain, normal


_TYPE_OF_PLAIN, _TYPE_OF = _read_types()
_COLOURS_WORDS = """
white black red blue green yellow brown gray pink orange purple tan silver gold beige maroon teal turquoise
violet navy cream olive burgundy magenta cyan lavender peach khaki blonde bronze aqua
"""
_SHADES_WORDS = "and light dark bright pale hot deep colored with color"
_VAGUE_WORDS = """
unanswerable, unsuitable, unsuitable image, unknown, unsure, not sure, don't know, dont know, i don't
know, can't tell, cant tell, cannot tell, can't see, unclear, unreadable, not visible, not possible, no
idea, not clear, blurry, n/a, na, ?, not there, it's not, it isn't, no answer, undetermined, illegible,
not applicable, not answerable, blank, idk, answering does not require reading text in the image, unable
to tell, no text in image, no text, maybe, nothing, none, nowhere, no one, noone, nobody, neither, both,
either, all, all of them, everything, everyone, something, anything, someone, many, lot, lots, a lot,
several, few, dozens, hundreds, thousands, very, far, away, half, most, some, outside, inside, indoors,
outdoors, outdoor, indoor, ground, on ground, air, in air, background, in background, land, foreground, no
number, other, it, this, that, he, she, they, here, there, not much, always, never, sometimes, same,
different, more, less, too many, no color, no brand, no name, no sign, no picture, no words, gone, out, in
"""
_COLOURS = frozenset(_COLOURS_WORDS.split())
_SHADES = frozenset(_SHADES_WORDS.split())
_VAGUE = frozenset(normalise_answer(text.strip()) for text in _VAGUE_WORDS.split(","))
COLOUR = "colour"
ACTIVITY = "activity"
_MAX_WORDS = 3
"""The last word of a longer answer does not say what it names."""
_MODIFIED = frozenset(
    {
        "side",
        "height",
        "compass",
        "season",
        "state",
        "size",
        "feeling",
        "brand",
        "city",
        "nationality",
        "continent",
        "month",
        "weekday",
        "country",
        "body",
        "sleeve",
        "weather",
        "material",
        "sign text",
    }
)
"""Types whose words name nothing of the kind at the end of a phrase ("in back", "pick up")."""


def is_vague(text: str) -> bool:
    """Answers that say that there is no answer, no thing or no certain number: neither do they fit beside
    other
    options, nor is it sure that what is beside them is wrong."""
    normal = normalise_answer(text)
    return normal in _VAGUE or (normal.startswith("no ") and not normal.startswith("no 1 "))


def num_colours(text: str) -> int:
    """How many colours a text names, shades apart: one for "dark blue", two for "white and brown"."""
    return sum(word in _COLOURS for word in normalise_answer(text).split(" "))


def is_colour(text: str) -> bool:
    """Whether a text names one colour or several, with or without a shade, and nothing else."""
    words = [word for word in normalise_answer(text).split(" ") if word not in _SHADES]
    return bool(words) and _COLOURS.issuperset(words)


def listed_type(text: str) -> str:
    """`answer_type` of texts that stand in the table as they are."""
    return _TYPE_OF_PLAIN.get(text.strip().lower(), "")


@lru_cache(maxsize=1 << 16)
def answer_type(text: str) -> str:
    """The type of what `text` names: 'animal' for "brown dogs", "" where that is not known."""
    normal = normalise_answer(text)
    words = normal.split(" ")
    if (
        words[-1] in _COLOURS
        and text.rstrip()[-1] not in "sS"
        and _COLOURS.issuperset(word for word in words if word not in _SHADES)
    ):
        return COLOUR
    known = _TYPE_OF_PLAIN.get(text.strip().lower()) or _TYPE_OF.get(normal)
    if known is not None:
        return known
    if not 1 < len(words) <= _MAX_WORDS or "and" in words:
        return ""
    if _is_other_thing(text.strip().lower(), words[-1]):
        return ""
    last = _TYPE_OF.get(" ".join(words[-2:])) or _TYPE_OF.get(words[-1], "")
    return "" if last in _MODIFIED else last


def _is_other_thing(name: str, head: str) -> bool:
    """Whether a name of several words, which WordNet lists, is no kind of what its last word says: "home plate"."""
    nouns = wordnet_nouns()
    return nouns.lists(name) and nouns.knows(head) and not nouns.is_narrower(name, head)
