"""Openings, moods, endings, and the ways in which further items come into a story."""

TIMES = {
    "morning": ["One [bright|misty|clear] morning", "Early one morning"], "night": ["One [dark|quiet|starry] night", "Late one night"],
    "winter": ["One [cold|white|long] winter", "In the middle of winter"], "summer": ["One [hot|lazy|golden] summer", "In the heat of summer"],
    "spring": ["One [wet|green] spring", "On the first day of spring"], "autumn": ["One [windy|red] autumn", "On an autumn afternoon"],
    "midnight": ["At midnight", "Just before midnight"], "Christmas": ["On Christmas Eve", "A few days before Christmas"],
    "rain": ["On a rainy day", "One rainy afternoon"], "long ago": ["A long, long time ago", "Long ago, before there were clocks"],
}  # fmt: skip

OPEN = [
    "[Once|Long ago|Once upon a time], {p}, there lived {hi}.",
    "There was once {hi} who lived {p}.",
    "{^hi} lived {p}, [where nothing much ever happened|where the days were long|as far back as anyone could remember].",
    "{^p} there lived {hi}.",
    "This is the story of {hi}, who lived {p}.",
    "[Everyone|Everybody] {p} knew {hi}.",
    "{^p}, [not so long ago|in the days of our grandparents|when the world was a little younger], there was {hi}.",
    "If you had been {p} [back then|in those days], you would have met {hi}.",
    "{^hi} had come to live {p}, and [liked it there|meant to stay].",
    "[Far from here|Not far from here], {p}, lived {hi}.",
]
OPEN_TIME = [
    "{^time}, {p}, there was {hi}.",
    "It happened {p}. {^time}, {hi} [woke up early|looked out of the window|could not sit still].",
    "{^time}, {hi} was [walking about|sitting alone|at work] {p}.",
    "{^time}, something happened to {hi}, who lived {p}.",
]


def opening(plot, rng) -> list[str]:
    """First sentences that suit the plot."""
    return OPEN_TIME if plot.time else OPEN


TONES = {
    "plain": {
        "mood": ["[Most days|On most days] were like any other {pn_in}.", "The air smelled of [bread|rain|smoke and apples].", "It was a day like any other, or so it seemed.",
                 "Nobody could have guessed what was about to happen.", "The [birds|children|bells] were noisy that week."],
        "end": ["And that was that.", "So ends the story of {h}.", "{^he} never forgot it.", "That is how it was, and it is all I know.", "And if nobody has changed it, it is still so today.",
                "What became of them later is another story."],
    },
    "funny": {
        "mood": ["{^h} always wore {his} hat inside out, [for luck|because the other side was worse].", "{^he} sneezed so loudly that the hens laid square eggs.", "{^his} left shoe squeaked like a [duck|rusty gate].",
                 "People said {he} could trip over a shadow, and {he} often did.", "{^he} had [porridge in {his} ear|a spoon in {his} hair], as usual."],
        "end": ["And the goose, who had seen it all, laughed until she laid an egg.", "To this day {h} cannot tell it without [hiccups|snorting].", "Only the hat was never seen again.", "They laughed so hard that the cat moved out.",
                "And then {he} fell into the pond, but that does not count."],
    },
    "sad": {
        "mood": ["There was a sadness in {him} like rain that does not fall.", "{^he} had not laughed since [spring|the old house burned|{his} brother left].", "Some evenings {he} set two plates, and then put one away again.", "The house was too quiet that year.",
                 "{^he} carried {his} grief quietly, the way one carries water."],
        "end": ["It still hurt. But it was a softer kind of hurt.", "{^h} cried that night, and in the morning {he} felt lighter.", "Not everything that is lost comes back. Some of it stays with us all the same.", "Sometimes, when it rained, {he} thought of it and felt sad and glad at once.",
                "{^he} said goodbye, and the wind took the word with it."],
    },
    "spooky": {
        "mood": ["The fog crept between the houses on silent feet.", "Somewhere a door opened, though nobody lived there.", "The owls were silent that night, and that was a bad sign.", "Every clock had stopped at [twelve|ten past three].", "Something pale moved behind the [curtain|graves|trees]."],
        "end": ["But sometimes, at night, there is still a knock. Three times. Then nothing.", "And the shadow on the wall? It had no one standing in front of it.", "In the morning there were footprints on the ceiling.", "Nobody ever found out who had been breathing behind the door.",
                "The candle went out by itself. Good night."],
    },
    "calm": {
        "mood": ["The evening was soft and still.", "A warm wind moved [slowly|gently] through the grass.", "Everything was quiet, and there was no hurry at all.", "The light was the colour of honey.", "Far away somebody was humming."],
        "end": ["Then the stars came out, one by one, and all was well.", "The night laid its blanket over {pn}. Sleep well.", "And {h} closed {his} eyes, and breathed slowly, in and out.", "The moon kept watch, and everyone slept.", "Hush now. Tomorrow is another day."],
    },
    "brave": {
        "mood": ["{^h} was small, but {his} heart was as big as a [barn|drum].", "{^he} had promised never to run away from anything again.", "Danger was near, and everybody could feel it.", "{^he} stood up straight, although {his} knees shook.", "Somebody had to be brave that day."],
        "end": ["Being brave, {h} knew now, is being afraid and going all the same.", "They still sing about it {pn_in}.", "And from that day on nobody called {him} small.", "{^he} had gone out with shaking knees, and come home a hero.", "Courage, {he} found, grows when you use it."],
    },
    "happy": {
        "mood": ["The sun shone, and even the [puddles|stones] seemed to smile.", "{^h} was humming from morning till night.", "It was one of those days when everything smells of [cake|summer].", "{^he} had woken up with a song in {his} head.", "There were flags in all the windows."],
        "end": ["They danced until the stars came out.", "It was the happiest day of the year.", "And they all laughed, and {h} laughed loudest of all.", "{^h} was so happy that {he} skipped all the way home.", "There was cake for everyone, and then some more."],
    },
    "mysterious": {
        "mood": ["There was a riddle about {pn} that nobody had ever solved.", "A letter without a name had come that morning.", "Something was not as it had been the day before.", "The old people knew more than they said.", "One window was always lit, and no one knew why."],
        "end": ["One question was left, and {h} never told anyone which.", "And the letter without a name? It was gone in the morning.", "Some doors, {h} thought, are better left a little open.", "Nobody has explained it to this day.", "But who had lit the lamp? {^h} smiled and said nothing."],
    },
    "magical": {
        "mood": ["In those days the [stones|trees] could still talk.", "Sparks danced in the air, blue and silver.", "It was a place where wishes sometimes took a wrong turn and came true.", "The stars hung so low that one could touch them with a broom.", "There was magic in the well, as everybody knew."],
        "end": ["A last spark rose into the sky and became a star.", "And the trees, who had seen it all, whispered it on.", "There was still a bit of magic left over, and {he} kept it under the pillow.", "At midnight everything glittered for one moment, and then it was an ordinary night.", "Magic, it turned out, had been the easy part."],
    },
}  # fmt: skip
ASKED_TONES = [t for t in TONES if t != "plain"]
TONE_WORDS = {
    "funny": ["funny", "silly", "hilarious", "comic", "amusing"], "sad": ["sad", "touching", "melancholy", "bittersweet"], "spooky": ["spooky", "scary", "creepy", "ghostly"],
    "calm": ["calm", "soothing", "gentle", "bedtime", "quiet", "relaxing"], "brave": ["brave", "adventurous", "heroic", "exciting"], "happy": ["happy", "cheerful", "joyful", "heart-warming"],
    "mysterious": ["mysterious", "strange", "puzzling"], "magical": ["magical", "enchanted", "fairy-tale", "dreamy"],
}  # fmt: skip

EXTRAS = {
    "thing": [
        ("All that {he} owned was {aB}.", "That evening {he} sat down with {B} and was content."),
        ("{^he} kept {aB} under the bed.", "{^he} put {B} back under the bed and blew out the candle."),
        ("In {his} [pocket|bag|left hand] {he} always carried {aB}.", "{^h} felt for {B}. {^sB} {wasB} still there, and that gave {him} courage."),
        ("That morning {he} had found {aB}, and taken {itB} along without knowing why.", "Now {h} knew what {B} {wasB} for, and {he} put {itB} to good use."),
        ("On the table lay {aB}, which nobody had touched for years.", "Then {h} remembered {B} on the table. \"Of course!\" {he} cried, and ran to fetch {itB}."),
        ("{^he} had just been given {aB}.", "And {he} gave {B} away as well, because it was that kind of day."),
        ("A neighbour had lent {him} {aB}.", "\"And now,\" said {h}, \"I can bring back {B}.\""),
        ("Next to the door {wasB} {aB}.", "{^h} took {B} and held {itB} up, and everybody saw it and [cheered|understood]."),
        ("{^h} was never seen without {aB}.", "Last of all {he} put {B} into the middle, where everyone could see {itB}."),
        ("{^his} uncle had sent {him} {aB} for no reason at all.", "In the end it was {B} that helped: {h} used {itB} to [prop open the door|knock three times|mark the way]."),
    ],
    "big": [
        ("Behind the house there was {aB}.", "They all met at {B} and stayed there until it was dark."),
        ("From there one could see {aB}.", "{^h} looked over at {B}, and it seemed [nearer|brighter] than before."),
        ("Every Sunday {he} went to look at {aB}.", "\"Let us go to {B},\" said {h}, and so they did."),
        ("Nearby stood {aB}, which [had been empty for years|nobody used any more].", "And in {B}, for the first time in years, a light was burning."),
        ("{^h} had always dreamed of {aB}.", "That evening {he} drew a picture of {B} and hung it on the wall."),
    ],
    "nature": [
        ("Not far away there was {aB}.", "They rested beside {B} and said nothing for a while."),
        ("{^h} could draw every line of {B} with {his} eyes closed.", "And {B} looked as if somebody had washed it."),
        ("In the distance one saw {aB}.", "\"Look,\" said {h}, and pointed at {B}."),
        ("People came from far away to see {aB}.", "{^h} thought of {B}, and all at once {he} knew what to do."),
    ],
    "sky": [
        ("{^h} loved {B} more than {he} could say.", "{^B} seemed to be listening."),
        ("That day {he} could not stop thinking about {B}.", "\"Even {B} will remember this,\" said {h}."),
        ("{^his} grandmother used to tell stories about {B}.", "{^h} thought of {B} and of {his} grandmother, and smiled."),
    ],
    "idea": [
        ("{^h} had heard a lot about {B}, but never thought it was for {him}.", "So that was {B}, thought {h}."),
        ("\"It all comes down to {B},\" {his} grandfather used to say.", "{^h} had learned something about {B} that is in no book."),
        ("There was a lot of talk about {B} in those days.", "\"Now I know what {B} is,\" said {h} softly."),
    ],
}  # fmt: skip
SEVERAL_HELD = [
    ("In {his} [bag|basket|cart|trunk] {he} always carried {L}.", "{^h} thought of {L}. They were still there, and that gave {him} courage."),
    ("That morning {he} had found {L}, and taken them along without knowing why.", "Now {h} knew what they were for, {L}, and {he} put them to good use."),
    ("On the table lay {L}, which nobody had touched for years.", "Then {h} remembered {L}. \"Of course!\" {he} cried, and ran to fetch them."),
    ("{^he} had just been given {L}.", "And {he} gave {L} away as well, because it was that kind of day."),
    ("A neighbour had lent {him} {L}.", "\"And now,\" said {h}, \"I can bring back {L}.\""),
    ("Next to the door there [stood|lay|waited] {L}.", "{^h} fetched {L} and held them up, and everybody saw them and [cheered|understood]."),
    ("{^h} was never seen without {L}.", "Last of all {he} put {L} into the middle, where everyone could see them."),
    ("{^his} [uncle|aunt|cousin] had sent {him} {L} for no reason at all.", "In the end it was {L} that helped, though nobody could say how."),
    ("All that {he} owned was {L}.", "That evening {he} counted what {he} owned: {L}, and one thing more, which has no name."),
    ("{^he} kept {L} under the bed.", "{^he} put {L} back under the bed and blew out the candle."),
]
SEVERAL = [
    ("Everybody there [had heard of|knew about] {L}.", "And to this day they talk of {L}, and of {h}."),
    ("{^h} had always dreamed of {L}.", "That evening {he} drew a picture of {L} and hung it on the wall."),
    ("On the wall hung a picture of {L}.", "{^h} looked at the picture, and {L} seemed [brighter|nearer] than before."),
    ("That day {he} could not stop thinking about {L}.", "\"Even {L} will be part of the story,\" said {h}."),
    ("{^his} grandmother used to tell stories about {L}.", "{^h} thought of {L} and of {his} grandmother, and smiled."),
    ("An old song there was about {L}.", "They sang the old song about {L}, and everybody knew the words."),
    ("\"One day,\" {he} used to say, \"I shall tell you about {L}.\"", "And then at last {he} told them about {L}, and they listened until it was dark."),
    ("It was the year of {L}, as people said later.", "And that is why it was called the year of {L}."),
]
WHOLE = [
    ("All {his} life {h} had dreamed of {L}.", "So in the end {h} had them all: {L}."),
    ("{^he} could talk for hours about {L}.", "If you ask {him} today, {he} will tell you about {L}, and it takes all evening."),
    ("Whoever asked about {h} was told of {L}.", "And that is all there is to tell of {h} and {L}."),
    ("It all has to do with {L}, as you will see.", "That is how it went with {L}."),
    ("There were things that {h} would never forget: {L}.", "Whenever {he} remembers that time, {he} thinks of {L}."),
    ("In {his} dreams {he} often saw {L}.", "That night {h} dreamed of {L}, and slept well."),
    ("Nobody {pn_in} had ever thought much about {L}.", "Since then everyone {pn_in} has known about {L}."),
    ("Old people still tell of {h}, and of {L}.", "Now you know why they still tell of {L}."),
    ("{^his} grandmother had taught {him} a rhyme about {L}.", "{^h} hummed the rhyme about {L} until {he} fell asleep."),
    ("What do {L} have to do with one another? {^h} could have told you.", "So they belonged together after all, {L}."),
    ("{^h} had once drawn a picture of {L}.", "The picture of {L} hangs {pn_in} to this day."),
    ("{^his} whole world was {L}.", "{^h} needed no other world than {L}."),
    ("\"Remember {L},\" {his} [father|mother|aunt] had told {him}, and {he} did.", "\"I did remember {L},\" said {h}."),
    ("Everybody knew about {h} and {L}.", "People still speak of {h}, and of {L}."),
]  # fmt: skip
EXTRA_WHO = [
    "{^xi} came by just then and [lent a hand|wanted to hear the whole story|brought something to eat].",
    "Even {xi} had come to see it, and [clapped|nodded slowly].",
    "\"Wait for me!\" called {xi}, and {h} waited.",
    "And who was sitting there? It was {xi}, who had [known it all along|been listening the whole time].",
]  # fmt: skip

VERBS = ["fly", "sing", "dance", "paint", "swim", "read", "cook", "juggle", "whistle", "skate", "climb", "dive", "write poems", "play the piano", "ride a bicycle", "do magic tricks", "bake bread",
         "tell jokes", "build boats", "speak to birds", "walk on stilts", "play chess", "grow roses", "ski", "knit", "play the drums", "catch fish", "draw maps", "sail", "ride a horse", "do cartwheels",
         "count to a million", "make pancakes", "yodel", "jump over the fence", "sew", "garden", "play football", "act on a stage", "mend clocks"]  # fmt: skip
FEARS = ["the dark", "thunder", "water", "spiders", "heights", "loud noises", "strangers", "dogs", "the forest", "the cellar", "lightning", "snakes", "ghosts", "being alone", "deep water", "the dentist", "flying",
         "bees", "crowds", "the wind", "bridges", "shadows", "mice", "the stairs", "monsters", "school", "speaking out loud", "making mistakes", "storms", "clowns"]  # fmt: skip
