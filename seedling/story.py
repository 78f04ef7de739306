"""Stories: a plot frame, filled with what was asked for, told in sentences that do not repeat."""

import random
import re
from dataclasses import dataclass, field
from pathlib import Path

import beats
import words

PRONOUNS = {
    "he": ("he", "him", "his", "himself", "was"),
    "she": ("she", "her", "her", "herself", "was"),
    "it": ("it", "it", "its", "itself", "was"),
    "they": ("they", "them", "their", "themselves", "were"),
}


@dataclass
class Who:
    """A character: a kind ("fox", or none), a name (or none), a pronoun, an adjective for the first mention."""

    kind: str = ""
    name: str = ""
    pron: str = "he"
    adj: str = ""


@dataclass
class Thing:
    """An item: `form` is one of one, many, mass, the; `kind` is thing, big, nature, sky, idea."""

    word: str
    kind: str = "thing"
    form: str = "one"
    adj: str = ""


@dataclass
class Plot:
    """What a story is made of."""

    hero: Who
    other: Who
    items: list[Thing] = field(default_factory=list)
    place: str = ""
    tone: str = ""
    time: str = ""
    verb: str = ""
    fear: str = ""
    idea: str = ""
    length: str = ""
    extra: list[Who] = field(default_factory=list)


def _read_frames() -> dict[str, tuple[str, list[tuple[bool, list[str]]]]]:
    """Name → (what it needs, beats); a beat is (optional, variants)."""
    frames, beat_list = {}, []
    for line in (Path(__file__).parent / "frames.txt").read_text().splitlines():
        if line.startswith("# "):
            _, name, needs = line.split()
            beat_list = []
            frames[name] = (needs, beat_list)
        elif line in (":", "?"):
            beat_list.append((line == "?", []))
        elif line:
            beat_list[-1][1].append(line)
    return frames


FRAMES = _read_frames()
LIGHT = ("reach", "gone", "friend")


def article(phrase: str) -> str:
    """`phrase` with "a" or "an"."""
    first = phrase.lower()
    vowel = first[0] in "aeiou" and not first.startswith(("uni", "use", "eu", "one", "ukulele"))
    return ("an " if vowel or first.startswith(("hour", "honest", "heir")) else "a ") + phrase


def joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def choose(text: str, rng: random.Random) -> str:
    """Resolves every `[a|b]`, the inner ones first."""
    while True:
        m = re.search(r"\[([^\[\]]*)\]", text)
        if not m:
            return text
        text = text[: m.start()] + rng.choice(m.group(1).split("|")) + text[m.end() :]


class Teller:
    """Fills the slots of one story and remembers who and what has been introduced."""

    def __init__(self, plot: Plot, rng: random.Random):
        self.plot, self.rng = plot, rng
        self.seen: set[str] = set()
        self.listed: set[str] = set()
        self.several: list[Thing] = []

    def who(self, who: Who, tag: str, introduce: bool) -> str:
        first = tag not in self.seen
        self.seen.add(tag)
        if first and (introduce or tag != "h"):
            kind = f"{who.adj} {who.kind}".strip() if who.kind else ""
            if not kind:
                return who.name
            if not who.name:
                return article(kind)
            return self.rng.choice([f"{article(kind)} named {who.name}", f"{article(kind)} called {who.name}", f"{who.name} the {who.kind}"])
        if who.name and who.kind:
            return who.name if self.rng.random() < 0.7 else f"the {who.kind}"
        return who.name or f"the {who.kind}"

    def thing(self, item: Thing, how: str) -> str:
        full = f"{item.adj} {item.word}".strip()
        first = item.word not in self.seen
        self.seen.add(item.word)
        if item.kind == "idea":
            return item.word
        if item.word in self.listed:  # the first "a" or "some" after the list
            self.listed.discard(item.word)
            how = "the" if how == "a" else how
        if how == "bare":
            return item.word
        if how == "this":
            return ("these " if item.form == "many" else "this ") + item.word
        if how == "a" and item.form != "the":
            return {"one": article(full), "many": "some " + full, "mass": "some " + full}[item.form]
        return "the " + (full if first else item.word)

    def slot(self, name: str) -> str:
        p = self.plot
        h, o = PRONOUNS[p.hero.pron], PRONOUNS[p.other.pron]
        simple = {
            "he": h[0], "him": h[1], "his": h[2], "himself": h[3], "was": h[4],
            "oe": o[0], "om": o[1], "os": o[2], "owas": o[4],
            "v": p.verb, "f": p.fear, "I": p.idea, "p": p.place, "time": p.time,
        }  # fmt: skip
        if name in simple:
            return simple[name]
        if name in ("h", "hi"):
            return self.who(p.hero, "h", name == "hi")
        if name in ("o", "oi"):
            return self.who(p.other, "o", True)
        if name in ("x", "xi"):
            return self.who(self.extra, "x" + self.extra.kind + self.extra.name, True)
        if name == "pn":
            return self.place_noun()
        if name == "pn_in":
            return "there"
        if name == "L":
            return joined([self.thing(i, "the") for i in self.several])
        item = self.item if name.endswith("B") else p.items[0]
        base, many = name[:-1], item.form == "many"
        return {
            "": lambda: self.thing(item, "the"), "a": lambda: self.thing(item, "a"), "n": lambda: self.thing(item, "bare"),
            "np": lambda: self.thing(item, "this"), "it": lambda: "them" if many else "it", "s": lambda: "they" if many else "it",
            "was": lambda: "were" if many else "was", "is": lambda: "are" if many else "is",
        }[{"nAp": "np"}.get(name, base)]()  # fmt: skip

    def place_noun(self) -> str:
        """ "a quiet harbour" → "the harbour"."""
        noun = self.plot.place.split(" ", 1)[1]
        noun = re.sub(r"^the edge of ", "", noun)
        if not re.match(r"(a|an|the) ", noun):
            return noun
        head = noun.split(" ", 1)[1]
        return "the " + re.sub(r"^(small|quiet|busy|tiny|old|windy|snowy|haunted|walled|flooded|dark) ", "", head)

    def fill(self, text: str) -> str:
        def one(m):
            name = m.group(2)
            value = self.slot(name)
            return value[0].upper() + value[1:] if m.group(1) else value

        text = re.sub(r"\{(\^?)(\w+)\}", one, choose(text, self.rng))
        return re.sub(r"\b([Tt]hey( both)?) was\b", r"\1 were", text)


def pick_frame(plot: Plot, rng: random.Random) -> str:
    """A frame that suits the first item, and what else was asked for."""
    if plot.fear:
        return "fear"
    if plot.idea:
        return "quest"
    if plot.verb:
        return rng.choice(["skill", "practise"] if plot.items and plot.items[0].kind == "thing" else ["skill"])
    first = plot.items[0] if plot.items else None
    if first is None:
        return rng.choice([n for n, (needs, _) in FRAMES.items() if needs == "C" and n != "skill"])
    if first.kind in ("big", "nature", "sky"):
        names = [n for n, (needs, _) in FRAMES.items() if needs == "N"]
        return rng.choice(LIGHT if first.kind == "sky" else names)
    return rng.choice([n for n, (needs, _) in FRAMES.items() if needs == "T" and n != "practise"])


def tell(plot: Plot, rng: random.Random) -> str:
    """A story of 80 to 200 words in which no sentence comes twice."""
    for _ in range(60):
        text = _draft(plot, rng)
        count = len(text.split())
        low, high = {"short": (70, 135), "long": (150, 215)}.get(plot.length, (85, 200))
        sentences = [s for s in re.split(r'(?<=[.!?])"?\s+', text) if len(s.split()) > 2]
        if low <= count <= high and len(set(sentences)) == len(sentences):
            return text
    return text


def _draft(plot: Plot, rng: random.Random) -> str:
    teller = Teller(plot, rng)
    frame = pick_frame(plot, rng)
    needs, steps = FRAMES[frame]
    uses_first = needs in ("T", "N")
    tone = beats.TONES.get(plot.tone, beats.TONES["plain"])
    parts = [teller.fill(rng.choice(beats.opening(plot, rng)))]
    late = []
    # Whatever else was asked for comes in at once, with one sentence, and comes back with one, however much it is. Where the plot takes
    # one of three things, or is about an idea, the sentence has all of it, in the order of the request.
    extras = plot.items[1 if uses_first else 0 :]
    if extras:
        ideas = [Thing(plot.idea, "idea")] if plot.idea else []
        whole = bool(ideas) or uses_first and len(extras) > 1
        teller.item, teller.several = extras[0], plot.items + ideas if whole else extras
        held = all(i.kind == "thing" for i in extras)
        pairs = beats.WHOLE if whole else beats.EXTRAS[extras[0].kind] if len(extras) == 1 else beats.SEVERAL_HELD if held else beats.SEVERAL
        early, later = rng.choice(pairs)
        parts.append(teller.fill(early))
        teller.listed = {i.word for i in teller.several} if whole else set()
        late.append(("item", extras[0], later))
    if plot.tone and plot.tone != "plain" or rng.random() < 0.3:
        parts.append(teller.fill(rng.choice(tone["mood"])))
    for who in plot.extra:
        late.append(("who", who, rng.choice(beats.EXTRA_WHO)))
    for i, (optional, variants) in enumerate(steps):
        if optional and (plot.length == "short" or rng.random() < 0.5):
            continue
        if i == len(steps) - 1:
            for what, value, text in late:
                setattr(teller, "item" if what == "item" else "extra", value)
                parts.append(teller.fill(text))
        parts.append(teller.fill(rng.choice(variants)))
    if plot.tone and plot.tone != "plain" or rng.random() < 0.35:
        parts.append(teller.fill(rng.choice(tone["end"])))
    return paragraphs(parts, rng)


def paragraphs(parts: list[str], rng: random.Random) -> str:
    """Joins beats; two or three paragraphs."""
    cut = rng.choice([2, 3])
    marks = {round(len(parts) * k / cut) for k in range(1, cut)}
    text = parts[0]
    for i, part in enumerate(parts[1:], 1):
        text += ("\n\n" if i in marks else " ") + part
    return text
