"""Requests for stories: what is asked for, and in which words."""

import random

import beats
import words
from story import Plot, Thing, Who, article, joined

_held = {w.lower() for w in words.HELD_OUT}


def _free(items: list[str]) -> list[str]:
    """Without what the evaluation keeps for itself."""
    return [w for w in dict.fromkeys(items) if not _held & set(w.lower().replace("-", " ").split()) and w.lower() not in _held]


THINGS, CREATURES, PEOPLE = _free(words.THINGS), _free(words.CREATURES), _free(words.PEOPLE)
BIG, NATURE = _free(words.BIG), _free(words.NATURE)
SHE = set("girl woman princess queen witch grandmother mother sister aunt nurse mermaid hen cow waitress nanny fairy".split())
HE = set("boy man prince king wizard grandfather father brother uncle monk postman fisherman policeman rooster bull".split())
ONSETS = "b br c cl d dr f fl g gl gr h j k kr l m n p pl pr qu r s sk sl sn st t tr v w y z zw th sh ch".split()
VOWELS = "a e i o u a e i o oo ee ai ou ie".split()
CODAS = ["", "", "", "n", "r", "l", "s", "t", "x", "m", "k", "p", "nd", "rk", "sh", "ff", "zz", "th", "ng"]


def invented(rng: random.Random) -> str:
    """A word that nobody has used: two or three syllables."""
    while True:
        word = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + (rng.choice(CODAS) if rng.random() < 0.5 else "") for _ in range(rng.choice([1, 2, 2, 3])))
        word += rng.choice(["", "", "", "o", "a", "le", "ix", "ett", "bert", "ly", "berry", "ton"])
        if 4 <= len(word) <= 11 and word not in _held:
            return word


def typo(word: str, rng: random.Random) -> str:
    """`word` with one letter dropped, doubled or exchanged."""
    i = rng.randrange(1, len(word) - 1)
    new = rng.choice([word[:i] + word[i + 1 :], word[:i] + word[i] + word[i:], word[: i - 1] + word[i] + word[i - 1] + word[i + 1 :]])
    return word if new in _held or " " in word[i - 1 : i + 1] else new


def rare(rng: random.Random) -> str:
    """A word that can only be copied."""
    r = rng.random()
    if r < 0.55:
        return invented(rng)
    if r < 0.75:
        return typo(rng.choice([w for w in THINGS if len(w) > 4]), rng)
    if r < 0.88:
        return invented(rng).capitalize() + rng.choice(["", "", "max", "tek", " 3000", "-X"])
    return rng.choice([w for w in THINGS if " " not in w]) + rng.choice(["-", ""]) + rng.choice([w for w in THINGS if " " not in w])


def thing(rng: random.Random) -> Thing:
    r = rng.random()
    if r < 0.20:
        return Thing(rare(rng))
    if r < 0.68:
        return Thing(rng.choice(THINGS), adj=rng.choice(words.ADJ_THING) if rng.random() < 0.15 else "")
    if r < 0.73:
        return Thing(rng.choice(words.MASS_THINGS), form="mass")
    if r < 0.78:
        return Thing(rng.choice(words.PLURAL_THINGS), form="many")
    if r < 0.87:
        return Thing(rng.choice(BIG), "big")
    if r < 0.95:
        return Thing(rng.choice(NATURE), "nature")
    return Thing(rng.choice(words.SKY), "sky", "the")


def name_for(pron: str, rng: random.Random) -> str:
    if rng.random() < 0.35:
        return invented(rng).capitalize()
    return rng.choice(words.NAMES_N if rng.random() < 0.35 else {"he": words.NAMES_M, "she": words.NAMES_F}.get(pron, words.NAMES_N))


def who(rng: random.Random, kind: str = "", pron: str = "") -> Who:
    kind = kind or (rng.choice(CREATURES if rng.random() < 0.55 else PEOPLE) if rng.random() < 0.94 else invented(rng))
    if not pron:
        pron = "she" if kind in SHE else "he" if kind in HE else rng.choices(["he", "she", "they", "it"], [46, 45, 4, 5 if kind in CREATURES else 0])[0]
    return Who(kind, name_for(pron, rng), pron, rng.choice(words.ADJ_HERO) if rng.random() < 0.45 else "")


def plot(rng: random.Random) -> tuple[Plot, set[str]]:
    """A plot, and which parts of it are asked for."""
    hero = who(rng)
    other = who(rng, pron="she" if hero.pron == "he" else "he" if hero.pron == "she" else "")
    while other.kind == hero.kind:
        other.kind = rng.choice(CREATURES)
    other.adj = rng.choice(["", "old", "young", "very old", "tall", "small", "strange", "friendly", "grumpy"])
    if rng.random() < 0.6:
        other.name = ""
    p = Plot(hero, other, place=rng.choice(words.PLACES))
    asked = set()
    count = rng.choices([0, 1, 2, 3], [12, 48, 28, 12])[0]
    while len(p.items) < max(count, 1):
        new = thing(rng)
        if all(new.word != t.word for t in p.items) and new.word not in (hero.kind, other.kind):
            p.items.append(new)
    asked |= {"items"} if count else set()
    r = rng.random()
    asked |= {"kind"} if r < 0.55 else {"kind", "name"} if r < 0.72 else {"name"} if r < 0.84 else set()
    if "kind" in asked and len(p.items) < 3 and rng.random() < 0.2:
        asked.add("other")
        other.name = other.name if rng.random() < 0.3 else ""
    if rng.random() < 0.28:
        p.tone = rng.choice(beats.ASKED_TONES)
        asked.add("tone")
    if rng.random() < 0.22:
        asked.add("place")
        if rng.random() < 0.3:
            p.place = "in " + rng.choice([rng.choice(words.CITIES), rng.choice(words.COUNTRIES), invented(rng).capitalize()])
    if rng.random() < 0.08:
        key = rng.choice(list(beats.TIMES))
        p.time = key
        asked.add("time")
    if rng.random() < 0.1:
        p.length = rng.choice(["short", "long"])
        asked.add("length")
    r = rng.random()
    if "kind" in asked and r < 0.06:
        p.verb = rng.choice(beats.VERBS)
        asked.add("verb")
    elif "kind" in asked and r < 0.11:
        p.fear = rng.choice(beats.FEARS)
        asked.add("fear")
    elif r < 0.19:
        p.idea = rng.choice(words.IDEAS)
        asked.add("idea")
        if rng.random() < 0.5:
            asked -= {"items", "other"}
    if not asked & {"items", "kind", "name", "idea"} and rng.random() < 0.6:
        asked.add("items")
    if "items" not in asked and (p.verb or p.fear or p.idea or rng.random() < 0.35):
        p.items = []
    if asked >= {"kind"} and "name" not in asked and rng.random() < 0.2:
        hero.name = ""
    if "name" in asked and "kind" not in asked and rng.random() < 0.5:
        hero.kind = rng.choice(["girl", "woman"]) if hero.pron == "she" else rng.choice(["boy", "man"]) if hero.pron == "he" else "child"
    return p, asked


def mention(item: Thing, rng: random.Random, style: str) -> str:
    full = f"{item.adj} {item.word}".strip()
    if item.form == "the":
        return "the " + item.word
    if item.form in ("many", "mass"):
        return ("some " if style == "a" and rng.random() < 0.3 else "") + full
    return full if style == "bare" else "the " + full if style == "the" else article(full)


def _hero(p: Plot, asked: set[str], rng: random.Random, style: str) -> str:
    if "kind" in asked:
        text = p.hero.kind if style == "bare" else article(p.hero.kind)
        if "name" in asked:
            return rng.choice([f"{text} named {p.hero.name}", f"{text} called {p.hero.name}", f"{p.hero.name} the {p.hero.kind}", f"{text}, {p.hero.name},"]).rstrip(",")
        return text
    return p.hero.name


def title(p: Plot, asked: set[str]) -> str:
    """The first line of the answer: what was asked for, as it was written there."""
    parts = []
    if "name" in asked:
        parts.append(f"{p.hero.name} the {p.hero.kind}" if "kind" in asked else p.hero.name)
    elif "kind" in asked or not asked & {"items", "idea"}:
        parts.append("the " + p.hero.kind)
    if "other" in asked:
        parts.append("the " + p.other.kind)
    if "items" in asked:
        parts += ["the " + f"{i.adj} {i.word}".strip() for i in p.items]
    if "idea" in asked:
        parts.append(p.idea)
    text = joined(parts)
    return text[0].upper() + text[1:]


LEAD = ["Tell me a {t}story about {x}", "Write a {t}story about {x}", "A {t}story about {x}", "Please tell me a {t}story about {x}", "Can you tell me a {t}story about {x}?", "I want a {t}story about {x}", "story about {x}",
        "I would like a {t}tale about {x}", "Make up a {t}story about {x}", "Could you write a {t}story with {x}?", "Tell a {t}tale of {x}", "Write a {t}tale with {x} in it", "Give me a {t}story with {x}", "Let me hear a {t}story about {x}",
        "Do you know a {t}story about {x}?", "how about a {t}story about {x}", "{t}story with {x}", "Once upon a time there was {x}", "Tell my child a {t}story about {x}", "I need a {t}story featuring {x}", "write about {x}", "tell me about {x} in a {t}story",
        "Invent a {t}story in which {x} appear", "Begin a {t}story with {x}", "Read me a {t}story about {x}", "What happens when you mix {x}? Tell me a {t}story", "a {t}tale: {x}"]  # fmt: skip
TERSE = ["story: {x}", "{x}", "{t}story, {x}", "{x}: a {t}story", "{t}story {x}", "story with: {x}", "{x} story"]
NOTHING = ["Tell me a {t}story", "Write a {t}story", "a {t}story please", "Can you tell me a {t}story?", "I want to hear a {t}story", "story", "tell me something", "another {t}story", "surprise me", "tell me a {t}tale", "Once upon a time", "begin", "go on, tell me a {t}story", "I can't sleep, tell me a {t}story"]


def request(p: Plot, asked: set[str], rng: random.Random) -> str:
    """The request in words."""
    terse = rng.random() < 0.15 and asked & {"items", "kind"} and not asked & {"verb", "fear"}
    style = "bare" if terse and rng.random() < 0.8 else rng.choices(["a", "the", "bare"], [84, 8, 8])[0]
    parts = []
    if asked & {"kind", "name"}:
        parts.append(_hero(p, asked, rng, style))
        if "verb" in asked:
            parts[0] += rng.choice([" who wants to ", " that wants to ", " who learns to ", " who would like to ", " learning to "]) + p.verb
        if "fear" in asked:
            parts[0] += rng.choice([" who is afraid of ", " that is scared of ", " afraid of ", " who fears "]) + p.fear
    if "other" in asked:
        parts.append(p.other.kind if style == "bare" else article(p.other.kind))
        if p.other.name:
            parts[-1] += " named " + p.other.name
    if "items" in asked:
        parts += [mention(i, rng, style) for i in p.items]
    if "idea" in asked:
        parts.append(p.idea)
    tone = ""
    tail = ""
    if "tone" in asked:
        word = rng.choice(beats.TONE_WORDS[p.tone])
        if rng.random() < 0.75:
            tone = word + " "
        else:
            tail += rng.choice([f", make it {word}", f". It should be {word}.", f" ({word})"])
    if p.length:
        word = {"short": ["short", "very short", "little", "quick"], "long": ["long", "longer", "rather long"]}[p.length]
        tone = rng.choice(word) + " " + tone
    if "place" in asked:
        tail = rng.choice([" {p}", ", set {p}", " that takes place {p}", ". It happens {p}.", " who lives {p}" if asked & {"kind", "name"} and len(parts) == 1 else " {p}"]).replace("{p}", p.place) + tail
    if "time" in asked:
        tail += {"rain": " on a rainy day", "night": " at night", "midnight": " at midnight", "Christmas": " at Christmas", "long ago": " from long ago", "morning": " in the morning"}.get(p.time, f" in {p.time}")
    if not parts:
        text = rng.choice(NOTHING)
    else:
        x = ", ".join(parts) if terse else joined(parts) if rng.random() < 0.9 else " and ".join(parts)
        text = rng.choice(TERSE if terse else LEAD).replace("{x}", x)
    text = text.replace("{t}", tone)
    if tone:
        text = text.replace("a " + tone, article(tone)).replace("A " + tone, article(tone).capitalize())
    text = (text[:-1] + tail + "?" if text.endswith("?") and tail else text + tail)
    if rng.random() < 0.25:
        names = [p.hero.name] if "name" in asked else []
        text = text.lower() if not names and not any(i.word[0].isupper() for i in p.items) and "place" not in asked else text[0].lower() + text[1:]
    if rng.random() < 0.4 and text[-1] not in ".?)":
        text += rng.choice([".", "!", " please", ", please."])
    return text
