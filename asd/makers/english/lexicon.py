"""Word knowledge for `asd.makers.english.declarative`: coarse word classes, noun number, articles and verb
forms.

Small closed tables come first, because they decide the cases in which a general lexicon is too generous
("wood" as an adjective, "black" as a verb). Only words that no table knows are looked up in lemminflect's
tables, which are read on first use so that importing this module stays cheap. Every public function takes
one lower-case word and is cached.
"""

from __future__ import annotations

from functools import lru_cache

from asd.lazy_regex import regex
from asd.makers.word_tables import lemmas_of, verb_form


def word_table(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARTICLES = word_table("a an the")
POSSESSIVES = word_table("his her its their whose")
NUMBER_WORDS = word_table("zero one two three four five six seven eight nine ten eleven twelve dozen")
QUANTIFIERS = word_table("any some no all both each every another several many few more most much enough other")
DEMONSTRATIVES = word_table("this that these those")
DETERMINERS = ARTICLES | POSSESSIVES | NUMBER_WORDS | QUANTIFIERS | DEMONSTRATIVES
PRONOUNS = word_table(
    "it he she they him them someone somebody anyone anybody everyone everybody something anything"
    " everything nothing nobody there himself herself itself themselves"
)
FIRST_OR_SECOND_PERSON = word_table(
    "i i'm im my me mine myself you your yours you're youre u ur we our us we're ya you'd you'll i'd i've"
)
PREPOSITIONS = word_table(
    "on in at of to for with from by near behind above below under over between beside beneath"
    " underneath inside outside through across along around against into onto off toward towards during"
    " after before about as without within among amongst atop past up down out upon per via throughout"
    " than like beyond besides alongside until since despite opposite next"
)
MODALS = word_table("can could will would should may might must")
BE_FORMS = word_table("is are was were")
AUXILIARIES = BE_FORMS | MODALS | word_table("do does did has have had be been being am")
RELATIVES = word_table("that which who whom whose where when why while if because so what how")
CONJUNCTIONS = word_table("and or")
DEGREE_ADVERBS = word_table(
    "very too so quite really pretty fully completely partially partly mostly all extremely fairly"
)
ADVERBS = word_table(
    "outside outdoors indoors inside together here there now currently away apart alone upstairs"
    " downstairs forward backward backwards sideways upwards upward downward upright likely probably"
    " actually just only also still instead nearby overhead straight outdoor home abroad upside"
)

# Adjectives that may also be nouns or verbs; as the last word of "is the X ..." they are the predicate.
_ADJECTIVES = word_table(
    "red blue green yellow white black brown gray grey orange purple pink tan beige silver gold golden"
    " maroon teal turquoise navy blond blonde brunette colored colorful multicolored dark light bright"
    " pale striped plaid solid checkered floral open closed shut clean dirty wet dry full empty clear"
    " cloudy overcast sunny rainy foggy hazy windy snowy stormy old new young elderly adult male female"
    " human live alive dead awake asleep alert calm happy sad angry mad upset bored tired scared afraid"
    " excited hungry thirsty ready busy free wild tame real fake genuine true false same different"
    " identical equal similar big large small little tiny huge tall short long wide narrow thick thin"
    " deep shallow high low fat skinny slim overweight heavy lightweight round square rectangular"
    " circular oval triangular straight curly curved wavy flat smooth rough soft hard sharp dull hot"
    " cold warm cool freezing frozen fresh ripe raw rotten cooked stale sweet sour salty spicy savory"
    " bitter edible healthy unhealthy sick well injured hurt pregnant bald barefoot shirtless topless"
    " naked nude bare bearded tidy messy neat organized cluttered crowded loud quiet noisy silent safe"
    " dangerous legal illegal possible necessary modern antique vintage contemporary fancy formal casual"
    " professional amateur rural urban residential commercial industrial private public double single"
    " married related electric electrical electronic wireless digital analog analogue manual automatic"
    " functional working broken rusty dusty muddy sandy grassy rocky icy paved leafy bushy furry hairy"
    " fluffy fuzzy wooden metallic plastic metal ceramic shiny glossy transparent opaque reflective"
    " visible sleepy lazy smart friendly mean aggressive domestic domesticated military american british"
    " english french german italian spanish asian chinese japanese indian mexican african european"
    " canadian caucasian hispanic greek thai vegetarian vegan vertical horizontal diagonal parallel"
    " upright uneven even fast slow still active expensive cheap nice good bad great beautiful pretty"
    " cute ugly handsome attractive appropriate proper normal typical special common complete whole half"
    " available recent current famous popular comfortable cozy fit strong weak tight loose homemade"
    " handmade fried baked grilled toasted sliced chopped cut peeled eaten bitten decorated dressed"
    " unmade nighttime stuffed worn torn lit unlit turned tied blurry artificial natural sturdy choppy"
    " outdated blind deaf drunk sober mature immature left-handed right-handed middle-aged old-fashioned"
    " dim interested curious confused surprised worried nervous serious relaxed focused lonely gay"
    " religious steep level slippery unusual unique weird strange funny silly mostly overgrown barren"
    " dense sleeveless long-sleeved short-sleeved decorative ornate plain elegant simple complicated"
    " patterned spotted negative positive juicy creamy crispy crunchy greasy oily burnt moldy chipped"
    " cracked rustic tropical alcoholic patriotic"
)
# Words in -ing that are things ("the building", "the ceiling"), not what somebody is doing.
_NOUNS_IN_ING = word_table(
    "thing something anything everything nothing building buildings ceiling clothing string king wing"
    " ring earring evening morning spring wedding railing icing frosting topping bedding lighting"
    " lightning sibling pudding dumpling awning siding stocking sling living dining ping herring"
    " duckling inning sterling ceilings offspring beijing bling flooring lettering roofing stuffing"
    " seating"
)
# Words in -ing that are things only right after a determiner or adjective ("the painting", but "a man
# painting").
GERUND_NOUNS = word_table(
    "painting drawing writing cutting landing crossing parking setting opening covering filling"
    " dressing housing carving serving heading marking meeting swing advertising lighting saying feeding"
    " reading"
)
# Past participles that end in no "-ed", and a few that a lexicon would rather call nouns or adjectives.
_PARTICIPLES = word_table(
    "made seen shown worn written taken held kept built drawn broken torn eaten lit hung cut thrown"
    " caught hidden driven flown ridden grown sold bought found stuck set put bent spread woven blown"
    " frozen bitten chosen given stolen split shaved spilled done gone shot used called named located"
    " pictured parked displayed printed attached visible depicted featured listed tied wound strung sewn"
    " swung read understood"
)
_NOUNS_IN_ED = word_table("bed seed shed weed speed feed reed sled breed need deed red hundred bobsled moped biped")

# Verbs that the "does X ..." patterns take. Each is a base form; several are nouns too, so position decides.
BASE_VERBS = word_table(
    "have look appear seem need want like see know own eat play wear use make show say belong match"
    " contain live work feel get go come take give run walk stand sit fly drive hold carry read spell"
    " mean represent advertise sell cost weigh taste smell sound include support serve accept offer"
    " allow require produce provide drink sleep face point touch move stop open close turn start end"
    " begin stay lie rest hang cover fit float swim ride bite bark help hurt enjoy love hate care think"
    " believe try plan intend keep put set pull push lead cross connect extend reach overlap receive"
    " send win lose cook bake cut grow bloom bear bring buy pay charge indicate depict display feature"
    " resemble measure operate function rely depend consist exist happen occur appeal travel arrive"
    " leave depart land park prefer speak understand follow protect share hide attend ski surf skate"
    " snowboard jump catch throw hit kick swing fall break shine reflect absorb block prevent attract"
    " remain be become count differ exceed increase decrease"
)
_TRANSITIVE = word_table(
    "holding wearing carrying eating using pulling drinking throwing catching cutting making reading"
    " pushing swinging chasing biting chewing selling buying preparing serving displaying representing"
    " showing advertising cooking touching petting feeding kicking hitting drawing painting building"
    " washing having"
)

_ANIMATE = word_table(
    "man men woman women person people boy boys girl girls child children kid kids baby lady guy player"
    " batter dog dogs cat cats horse horses animal animals elephant elephants giraffe giraffes zebra"
    " zebras sheep cow cows bear bears bird birds surfer skier skateboarder snowboarder umpire catcher"
    " pitcher men's guys ladies couple family mother father adult adults rider driver passenger officer"
    " policeman lamb calf puppy kitten players someone somebody he she they him them"
)

# Used without an article although singular: stuff, games, meals, seasons, activities and other names.
_MASS = word_table(
    "water milk coffee tea juice beer wine soda soup rice pasta bread toast butter cheese meat beef"
    " pork chicken bacon ham fish seafood food fruit broccoli lettuce cabbage spinach celery corn salad"
    " pizza cake pie ice cream chocolate sugar salt pepper mustard ketchup mayonnaise sauce gravy syrup"
    " honey jelly jam oil vinegar flour dough cereal popcorn candy dessert frosting icing whipped fudge"
    " garlic basil parsley cilantro kale asparagus cauliflower breakfast lunch dinner brunch supper wood"
    " metal steel iron aluminum brass copper silver gold bronze chrome plastic glass rubber leather"
    " cotton wool silk denim fabric cloth felt fur paper cardboard wicker bamboo straw hay brick stone"
    " concrete cement asphalt pavement marble granite clay ceramic porcelain tile linoleum wax foam"
    " styrofoam vinyl nylon polyester stucco plaster drywall gravel sand dirt mud soil dust ash rock"
    " grass snow rain fog smoke steam fire air sunlight light sunshine shade electricity gas gasoline"
    " propane coal wind weather traffic luggage baggage furniture equipment clothing jewelry makeup hair"
    " facial money cash mail trash garbage rubbish litter junk art graffiti music text writing"
    " information advertising transportation machinery foliage vegetation greenery ivy moss seaweed"
    " sushi tofu oatmeal yogurt lemonade whiskey vodka champagne liquor alcohol ammunition shampoo"
    " lotion soap toothpaste medicine sunscreen deodorant perfume detergent tobacco mix braille nutmeg"
    " cinnamon bleach powder tape yarn thread rope wire bark wallpaper carpeting hardwood pine oak maple"
    " walnut cherry mahogany lace velvet suede khaki tin lead nothing everything something someone"
    " nobody everyone tennis soccer golf hockey cricket rugby lacrosse polo badminton skiing"
    " snowboarding surfing skateboarding bowling boxing wrestling swimming sailing kayaking cycling"
    " biking horseback racing parasailing windsurfing wakeboarding kiteboarding chess poker wii xbox"
    " playstation gymnastics karate yoga sledding snowmobiling motocross equestrian dressage"
    " bullfighting rodeo croquet christmas halloween easter thanksgiving hanukkah valentine's summer"
    " winter spring fall autumn morning afternoon evening night noon midnight daytime nighttime dusk"
    " dawn sunset sunrise day english spanish french german italian chinese japanese korean russian"
    " arabic hebrew thai rest work research construction safety security protection travel fun love"
    " peace happiness decoration entertainment storage traction balance sleep lighting rust"
    " exercise lasagna lasagne boredom anger joy cattle"
    " plaid tinsel pollen shrubbery produce cookware silverware glassware china"
    " fuel terrain coverage skin scenery apparel attire underwear headgear eyewear gear polish"
    " tableware bedding linen pepperoni sausage spam tuna salmon shrimp turkey steak"
)
# Names of games and of the things they are played with: "playing frisbee" but "holding a frisbee".
GAMES_AND_BALLS = word_table("frisbee baseball football basketball volleyball softball wii")
# Mass as food, countable as animals: "The meat is chicken." but "The bird is a chicken."
_ANIMAL_OR_FOOD = word_table("chicken fish turkey salmon tuna shrimp")
# Singular in form, but a/an is right more often than not would suggest: exceptions to the final "-s" rule
# below.
_SINGULAR_IN_S = word_table(
    "glass grass bus dress moss mattress cactus octopus christmas canvas cross class boss mess compass"
    " pass campus circus walrus asparagus hippopotamus platypus lens virus princess waitress actress"
    " mass gas address business process jacks tennis swiss brass bass press harness fortress goddess"
    " headdress sundress wilderness illness apparatus status census bonus genius iris atlas ibis cutlass"
    " albatross lotus hibiscus citrus abacus loss kudos abyss bias thermos texas kansas paris us chess"
    " lass stainless hummus crocus cypress"
)
_PLURAL_NO_S = word_table(
    "people men women children teeth feet geese mice sheep cattle firemen policemen fishermen gentlemen"
    " snowmen salesmen oxen cacti dice lice skis tennis-shoes"
)
PAIRED = word_table(
    "scissors glasses sunglasses pants jeans shorts trousers goggles tweezers tongs pliers binoculars"
    " headphones earphones leggings tights pajamas overalls clothes shoes sneakers sandals boots skis"
    " socks gloves chopsticks flip-flops suspenders shears blinds slacks khakis cleats slippers heels"
    " mittens earbuds chaps"
)
COLLECTIVE = word_table(
    "food fruit furniture clothing vegetable vegetables equipment meat produce footwear luggage jewelry"
)
_NOT_HEADS = word_table(
    "left right front back top bottom middle center up down yes no none many few lots several lot some"
    " all both most more other others another one ones half true false unknown good bad ok okay first"
    " second third last same next new north south east west northeast northwest southeast southwest"
)

_COLORS = word_table(
    "red blue green yellow white black brown gray grey orange purple pink tan beige silver gold golden"
    " maroon teal turquoise navy blond blonde brunette dark light bright pale cream ivory khaki burgundy"
    " bronze violet lavender magenta peach multicolored multi colorful clear neon brick striped plaid"
    " rainbow camouflage camo brass copper reddish bluish brownish denim olive aqua cyan rust chrome"
    " stainless multi-colored hazel tortoiseshell off lime mint charcoal amber wood wooden auburn"
    " multicolor greenish yellowish floral checkered spotted transparent"
)

_VOWEL_SOUND = regex(r"^(?:[aeiou]|hour|honest|honor|heir)")
_CONSONANT_SOUND = regex(r"^(?:uni(?!n|m)|use|usu|euro|ewe|one|once|ukulele|uten|ufo|u-|uk)")
_LETTERS_WITH_VOWEL_SOUND = frozenset("aefhilmnorsx")


@lru_cache(maxsize=65536)
def lexicon_entry(word: str) -> dict[str, tuple[str, ...]]:
    """Part of speech -> lemmas, as the general lexicon has them; empty for unknown words."""
    return lemmas_of(word)


@lru_cache(maxsize=65536)
def word_class(word: str) -> str:
    """One letter for a lower-case word, read without its neighbours.

    D determiner, S possessive ('s), O pronoun, P preposition, X auxiliary, C conjunction, W relative, T
    degree adverb, R adverb, A adjective, G verb in -ing, E past participle, N noun or unknown.
    """
    for letter, table in _CLOSED:
        if word in table:
            return letter
    if word.endswith(("'s", "s'")):
        return "S"
    if word[0].isdigit():
        return "D" if word.isdigit() else "N"
    return _open_class(word)


_CLOSED: tuple[tuple[str, frozenset[str]], ...] = (
    ("D", DETERMINERS),
    ("O", PRONOUNS),
    ("X", AUXILIARIES),
    ("C", CONJUNCTIONS),
    ("W", RELATIVES),
    ("P", PREPOSITIONS),
    ("N", _NOUNS_IN_ING | _NOUNS_IN_ED - {"red"}),
    ("A", _ADJECTIVES - {"left", "eaten", "cut", "worn", "torn", "lit", "turned", "tied"}),
    ("E", _PARTICIPLES),
    ("T", DEGREE_ADVERBS),
    ("R", ADVERBS),
)


def _open_class(word: str) -> str:
    entry = lexicon_entry(word)
    if word.endswith("ing") and "VERB" in entry:
        return "G"
    if word.endswith("ed") and "VERB" in entry:
        return "E"
    if word.endswith("ly") and "ADV" in entry and "NOUN" not in entry:
        return "R"
    if "ADJ" in entry and "NOUN" not in entry and "VERB" not in entry:
        return "A"
    return "N"


def is_adjective(word: str) -> bool:
    return word in _ADJECTIVES or word_class(word) == "A"


def is_color(word: str) -> bool:
    return word in _COLORS


def is_animal_or_food(word: str) -> bool:
    return word in _ANIMAL_OR_FOOD


def is_animate(word: str) -> bool:
    return word in _ANIMATE


def takes_object(gerund: str) -> bool:
    """True for "holding", "wearing": without an object after it, the object is what the question asks for."""
    return gerund in _TRANSITIVE


# Everyday words that the general lexicon lacks.
_EXTRA_WORDS = word_table(
    "wii tv tvs dvd cd laptop frisbee wakeboard kiteboard selfie smartphone wetsuit wetsuits hoodie"
    " xbox teddy skateboarder snowboarder bookcase bookcases decker seagull seagulls fridge smoothie"
    " bandana burger burgers trunk trunks cafe tattoo smiley remotes terrier chihuahua boogie"
    " skateboarders snowboarders minivan pan bar pans bars segway snowsuit lanyard umpire kitesurfing"
    " parasail remote bbq suv suvs atv"
)


@lru_cache(maxsize=65536)
def is_known(word: str) -> bool:
    """True for a word of the lexicon or of a table here; names and typing errors are not."""
    known = word in _MASS or word in _EXTRA_WORDS or word in PAIRED
    return known or word_class(word) != "N" or bool(lexicon_entry(word))


@lru_cache(maxsize=65536)
def noun_number(word: str) -> str:
    """'singular' (countable), 'plural', 'mass', or '' where the word is no noun that the lexicon knows."""
    if word in _NOT_HEADS or not word.isalpha():
        return ""
    if word in _MASS or word.endswith("ness"):
        return "mass"
    if word in PAIRED or word in _PLURAL_NO_S:
        return "plural"
    if word in _EXTRA_WORDS:
        return "plural" if word.endswith("s") else "singular"
    entry = lexicon_entry(word)
    if "NOUN" not in entry:
        return ""
    if word.endswith("s") and word not in _SINGULAR_IN_S and not word.endswith("ss"):
        return "plural" if entry["NOUN"][0] != word else ""
    if word.endswith("ing") and word not in _NOUNS_IN_ING:
        return ""
    return "singular" if entry["NOUN"][0] == word else "plural"


@lru_cache(maxsize=16384)
def singular(word: str) -> str | None:
    """As in "dogs" -> "dog", "people" -> "person"; None where the form is not sure."""
    if word in _PLURAL_NO_S and word in _IRREGULAR_SINGULAR:
        return _IRREGULAR_SINGULAR[word]
    if word in PAIRED or noun_number(word) != "plural":
        return None
    lemmas = lexicon_entry(word).get("NOUN", ())
    return lemmas[0] if len(lemmas) == 1 and lemmas[0] != word else None


_IRREGULAR_SINGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "teeth": "tooth", "feet": "foot",
    "geese": "goose", "mice": "mouse", "sheep": "sheep", "firemen": "fireman", "policemen": "policeman",
}  # fmt: skip


@lru_cache(maxsize=16384)
def indefinite_article(word: str) -> str:
    """The article "a" or "an" before this word, by sound as far as spelling tells."""
    if len(word) == 1:
        return "an" if word in _LETTERS_WITH_VOWEL_SOUND else "a"
    return "an" if _VOWEL_SOUND.match(word) and not _CONSONANT_SOUND.match(word) else "a"


@lru_cache(maxsize=4096)
def third_person(verb: str) -> str | None:
    """As in "say" -> "says", "have" -> "has"; None for a word that is no verb."""
    return _verb_form(verb, "VBZ")


@lru_cache(maxsize=4096)
def past_tense(verb: str) -> str | None:
    """As in "take" -> "took"."""
    return _verb_form(verb, "VBD")


def _verb_form(verb: str, tag: str) -> str | None:
    if verb not in BASE_VERBS and verb not in lexicon_entry(verb).get("VERB", ()):
        return None
    return verb_form(verb, tag)


@lru_cache(maxsize=16384)
def verb_lemma(word: str) -> str | None:
    """As in "makes" -> "make"; None for a word that is no verb."""
    lemmas = lexicon_entry(word).get("VERB", ())
    return lemmas[0] if lemmas else None
