"""Word lists of the story grammar. A line of blanks-separated words each; an underscore stands for a space."""


def _list(text: str) -> list[str]:
    return [w.replace("_", " ") for w in text.split()]


# Animals and creatures that can be the hero ("the fox").
CREATURES = _list("""
fox wolf bear rabbit hare mouse rat squirrel hedgehog badger otter beaver mole deer moose goat sheep lamb pig piglet cow calf
horse pony donkey camel llama elephant giraffe zebra lion tiger leopard panther monkey gorilla kangaroo koala panda
raccoon skunk bat cat kitten dog puppy hamster owl crow raven sparrow robin pigeon parrot penguin duck duckling goose swan
hen rooster chick turkey peacock eagle hawk heron stork seagull flamingo ostrich frog toad lizard turtle tortoise snake
crocodile fish goldfish shark whale dolphin seal octopus crab lobster snail worm spider ant bee wasp beetle ladybug butterfly
moth cricket grasshopper dragonfly firefly dragon unicorn troll giant goblin elf gnome fairy mermaid ghost monster robot
phoenix griffin ogre dwarf yeti snowman scarecrow alien starfish jellyfish walrus weasel magpie woodpecker
swallow mule bull chicken reindeer bison buffalo jackal hyena meerkat sloth armadillo porcupine
""")

# People by what they do or are.
PEOPLE = _list("""
girl boy child woman man princess prince queen king knight wizard witch pirate sailor captain fisherman farmer baker cook chef
shepherd gardener carpenter blacksmith tailor cobbler clockmaker painter musician singer dancer poet writer librarian teacher
student doctor nurse postman pilot astronaut scientist inventor detective explorer hunter thief juggler clown acrobat
magician merchant miller weaver potter butcher beekeeper mason miner woodcutter ferryman lighthouse_keeper gatekeeper
night_watchman firefighter policeman soldier guard messenger monk grandmother grandfather mother father brother
sister uncle aunt twin orphan stranger traveller hermit fiddler drummer piper puppeteer actor mechanic engineer plumber
electrician dentist barber bus_driver train_driver mayor judge lawyer banker shopkeeper waiter photographer journalist
goalkeeper runner swimmer skater climber cyclist chess_player scholar apprentice nanny babysitter innkeeper stonemason
glassblower candlemaker toymaker astronomer botanist cartographer diver
""")

# Things that a hand or paw can hold, move or carry.
THINGS = _list("""
lantern key button kite drum flute violin trumpet bell whistle map compass telescope mirror comb brush ring necklace bracelet crown
coin purse wallet letter envelope stamp book notebook pencil pen crayon paintbrush ruler eraser candle matchbox lamp torch
umbrella hat cap scarf glove mitten sock boot shoe slipper coat cloak dress apron belt ribbon rope string thread needle
thimble pillow blanket quilt basket bucket bag sack box chest jar bottle cup mug teapot kettle pan pot spoon fork plate bowl tray
broom mop ladder hammer nail saw shovel rake spade axe wheel cart wagon sled ball doll teddy_bear puzzle puppet marble top
balloon flag banner clock watch hourglass radio camera phone computer typewriter fan magnet spring screw lock chain anchor
oar net fishing_rod hook feather shell pebble stone crystal pearl diamond ruby emerald leaf flower rose daisy tulip sunflower acorn
pinecone seed mushroom apple pear peach plum cherry lemon orange banana carrot potato pumpkin turnip onion tomato cabbage
pie cake cookie bun pancake sandwich pretzel muffin biscuit waffle dumpling egg potion wand spell_book mask cape shield sword
helmet whip saddle horseshoe nest feather_duster egg_timer toy_boat paper_plane music_box snow_globe photograph postcard newspaper
ticket badge medal trophy toothbrush towel soap_dish bathtub chair stool table cradle sofa_cushion curtain carpet rug vase
flowerpot watering_can birdhouse windmill_toy skateboard bicycle scooter tricycle backpack suitcase trunk pocket_watch
magnifying_glass binoculars flashlight tent sleeping_bag hammock walking_stick cane crutch bandage thermometer stethoscope
harp guitar banjo cello tambourine triangle cymbal harmonica piccolo songbook recipe cookbook diary calendar
dictionary poster painting statue sculpture brick tile plank log branch twig root vine cactus fern clover bean pea radish garlic
coconut pineapple mango melon grape strawberry blueberry raspberry walnut chestnut hazelnut peanut almond loaf donut croissant
lollipop jelly_bean gumdrop honeycomb cheese_wheel sausage meatball teaspoon ladle whisk rolling_pin napkin tablecloth doorknob
hinge doorbell keyhole_cover candlestick chandelier fireplace_poker lampshade light_bulb battery wire rocket_model spaceship_model
meteorite moonstone amulet talisman locket brooch earring tiara sceptre goblet chalice scroll quill inkwell parchment riddle
dice domino playing_card chessboard yo-yo jump_rope trampoline slingshot boomerang snowball sandcastle seashell driftwood_carving
message_in_a_bottle treasure_map spyglass cannonball parrot_cage bird_feeder dog_collar leash bone cat_flap mousetrap
""")
MASS_THINGS = _list("honey bread milk soup tea chocolate jam butter salt sugar cheese rice paint ink wool silk gold silver glue sand glitter dust")
PLURAL_THINGS = _list("""
glasses scissors boots shoes pancakes cookies flowers balloons keys coins pebbles seeds marbles feathers socks mittens letters
candles apples cherries buttons shells books eggs berries noodles dumplings skates wings
""")

# Big things, that are visited, climbed, ridden or seen.
BIG = _list("""
lighthouse castle tower bridge windmill train boat ship submarine rocket spaceship bus tractor truck tram carousel
treehouse cottage barn church library school museum theatre bakery factory piano staircase door gate well fountain
statue_of_a_horse garden maze tunnel railway hot-air_balloon ferris_wheel circus market shop kitchen attic cellar palace temple ruin
pyramid igloo greenhouse observatory caravan airship canoe sailboat raft ferry elevator car motorbike fire_engine swing
hotel restaurant hospital playground zoo campfire snow_fort wardrobe telephone_box time_machine
""")

# Of the world outside.
NATURE = _list("""
river lake pond waterfall stream mountain hill valley cave volcano island beach cliff forest meadow swamp desert oak_tree
apple_tree willow pine_tree star comet rainbow cloud storm glacier tree
snowstorm puddle iceberg thunderstorm whirlpool orchard sunbeam planet
""")
# Named with "the".
SKY = _list("moon sun sea ocean wind rain snow night sky fog northern_lights stars tide winter spring summer autumn frost mist")

# What cannot be touched.
IDEAS = _list("""
friendship courage love kindness honesty patience hope trust luck forgiveness sharing time music silence sleep happiness loneliness
fear anger jealousy loss change growing_up home family memory dreams magic freedom peace teamwork curiosity
gratitude truth wisdom beauty adventure homesickness pride greed generosity bravery imagination
""")

ADJ_THING = _list("""
old new small tiny big red blue green yellow purple silver golden wooden broken rusty shiny dusty heavy light round square strange
magic secret lost forgotten striped spotted cracked painted crooked warm cold soft borrowed stolen glowing singing purple
paper copper iron glass velvet orange pink white black grey empty half-finished lucky unlucky
""")
ADJ_HERO = _list("""
small little young old clever shy brave curious lazy grumpy kind lonely cheerful clumsy proud quiet stubborn gentle nervous
hungry sleepy tiny tall polite forgetful patient restless thoughtful timid honest careful merry dreamy
busy absent-minded red-haired freckled near-sighted hopeful serious silly playful sly wise
""")

# Given names with their pronoun: f, m, or n for either.
NAMES_F = _list("""
Ada Alma Amara Amelia Anika Anna Astrid Aya Bea Bella Carmen Celia Chloe Clara Dalia Daisy Edith Elena Elif Ella Elsa Emma Esther Eva
Fatima Flora Freya Gloria Greta Hana Hannah Hazel Heidi Ida Ines Ingrid Iris Ivy Jada Jane Julia June Kaya Kim Lara Layla Lena
Lily Lina Lotte Lucy Luna Mabel Maria Maya Mei Mia Mila Mina Molly Nadia Nina Nora Olga Olivia Paula Pearl Petra Rosa Rose Ruth
Salma Sara Selma Sofia Stella Suki Tara Tess Thea Uma Vera Viola Willa Wren Yara Yuki Zoe Zora Marta Dora Agnes Priya Leila Rita
Sunita Noor Xiu Lan Fern Poppy Tilly Winnie Matilda Beatrice Margot Odette Penelope Rosalind
""")
NAMES_M = _list("""
Adam Ahmed Albert Ali Anton Arthur Axel Ben Bruno Carlos Chen Daniel David Diego Dimitri Edgar Eli Emil Enzo Erik Felix Finn Frank
Fritz George Hamid Hans Harry Henry Hugo Ian Igor Ivan Jack Jakob James Jamal Jin Johan Jonas Juan Kai Karl Kenji Kofi Lars Leo
Liam Louis Luca Magnus Marco Mark Martin Mateo Max Milo Mohan Nico Noah Olaf Oliver Omar Oscar Otto Pablo Paul Pedro Peter Philip
Quentin Rafi Ravi Robert Rui Sam Samir Sven Tariq Theo Thomas Tim Tom Toby Umar Victor Viktor Walter Wei William Yusuf Zak
Barnaby Rufus Jasper Basil Cedric Gus Alfie Archie Stanley Percy Hector Boris Tobias Ezra Abel Malik
""")
NAMES_N = _list("""
Pip Biscuit Button Clover Pebble Pickle Pepper Bramble Nutmeg Juniper Sunny Rusty Dusty Misty Cricket Fig Olive Marble Mango Sage
Robin Sky River Rowan Ash Bean Cocoa Cookie Dot Echo Ember Fizz Ginger Jelly Kiwi Lucky Mocha Muffin Noodle Patch Peanut Poppet
Pudding Scout Smudge Snowy Speck Spot Thistle Toffee Truffle Tuppence Twig Waffle Whisper Widget Ziggy Buttons Sprout Moss
Charlie Alex Casey Quinn Max Momo Coco Bobo Titch Wisp Bolt Sprocket Fudge Crumb Hopper Tinker
""")

# Where a story can be set: preposition and place.
PLACES = [line.strip() for line in """
in a small village|in a quiet harbour|in a busy city|on a snowy mountain|at the edge of a dark forest|on a tiny island
in an old castle|on a farm|in a desert|by the sea|beside a lake|in a jungle|in a town by the river|in a valley|on a windy hill
in a lighthouse|in a library|in a school|at a circus|on a ship|on a train|in a space station|on the moon|under the sea
in a cave|in a swamp|in a garden|in a bakery|in a toy shop|in a museum|in a market|in a windmill|in a treehouse|in a palace
in an apple orchard|in a mining town|in a railway station|in a clock tower|in an old hotel|in a theatre|in an airport
in a kingdom far away|in the mountains|in the woods|in the city|in the countryside|in the desert|at the North Pole|on Mars
in a hospital|in a kitchen|in an attic|in a haunted house|in a graveyard|in a fishing village|in a kindergarten
in a zoo|on a beach|in a park|in a street with tall houses|in a monastery|in a vineyard|in a camp by a canyon|in a snow hut
in a factory|in a workshop|in a backyard|in a caravan|in a meadow|on a riverboat|on a cloud|in a tea house|in a tower
in a bamboo forest|in a rice field|in a walled town|in an underground city|in a flooded town|in a cabin|in an observatory
""".replace("\n", "|").split("|") if line.strip()]
CITIES = _list("""
Paris London Rome Cairo Lisbon Berlin Vienna Prague Madrid Athens Dublin Oslo Tokyo Kyoto Beijing Shanghai Mumbai Delhi Nairobi Lagos
Lima Boston Chicago Toronto Sydney Venice Istanbul Amsterdam Naples Seville Bergen Havana Quito Marrakesh Zanzibar Chengdu Hangzhou
""")
COUNTRIES = _list("""
France Germany Spain Italy Japan China India Brazil Canada Mexico Egypt Kenya Norway Sweden Poland Greece Peru Australia Nigeria
Turkey Thailand Vietnam Portugal Iceland Chile Morocco Korea Cuba Finland Ireland
""")

# Never used by the generator; the evaluation asks for them.
HELD_OUT = _list("""
saxophone accordion walnut_tree parasol gramophone stapler corkscrew cauliflower aubergine lightsaber turbine kazoo monocle
thermos zeppelin boulder tapestry abacus trombone kaleidoscope wheelbarrow spatula cucumber ukulele periscope
platypus chameleon narwhal pelican ferret lynx hippo rhino chinchilla iguana
plumbob zorblat quintle frobnic mivvet glorpen splindle vraxon womberry tuzzit kelpoon drimble snorvel yompet
Fizzomax Nuvotek Brillux Zapwell Krumpo Tivo Ombert Quilla Vashti Jorvik Lumenn Rastin Ysolde Pargo Fenwicka Dulce Mirabo
lantrn umbrela telescoop dragn elefant piratte
""")
