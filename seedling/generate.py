"""The text that the model learns from: conversation number `index` of `seed`, always the same."""

import argparse
import hashlib
import json
import random
import sys

import ask
import beats
import talk
from story import choose, tell

SYSTEMS = ["You are a helpful assistant.", "You are Seedling, a small model that tells stories.", "Answer briefly.", "Be kind.", "You are a friendly storyteller."]
AGAIN = ["another one|one more|another story, please|more|again|tell me another|next|and another one?|one more please|another"]
RETONE = ["make it TONE|now a TONE one|the same but TONE|can you make it more TONE?|again, but TONE|TONE please"]


MANY = 0.4  # of the requests ask for two things or more, or for things and an idea, a wish or a fear besides those that happen to


def story_turn(rng: random.Random) -> tuple[list[str], "ask.Plot", set[str]]:
    p, asked = ask.plot(rng)
    many = rng.random() < MANY
    while many and not ("items" in asked and (len(p.items) > 1 or p.idea or p.verb or p.fear)):
        p, asked = ask.plot(rng)
    prompt = ask.request(p, asked, rng)
    return [prompt, told(p, asked, rng)], p, asked


def told(p, asked: set[str], rng: random.Random) -> str:
    """A title, which names what was asked for, and the story."""
    key = p.time
    if key in beats.TIMES:
        p.time = choose(rng.choice(beats.TIMES[key]), rng)
    text = tell(p, rng)
    p.time = key
    return ask.title(p, asked) + "\n\n" + text


def follow(p, asked: set[str], rng: random.Random) -> list[str]:
    """What may be said after a story, and the answer."""
    r = rng.random()
    if r < 0.35:
        return [talk.rough(choose(AGAIN[0], rng).split("|")[rng.randrange(10)], rng), told(p, asked, rng)]
    if r < 0.6:
        p.tone = rng.choice(beats.ASKED_TONES)
        word = rng.choice(beats.TONE_WORDS[p.tone])
        return [talk.rough(rng.choice(RETONE[0].split("|")).replace("TONE", word), rng), told(p, asked, rng)]
    if r < 0.75 and p.hero.name and p.hero.kind:
        q = rng.choice([f"What was the {p.hero.kind}'s name?", f"what is the name of the {p.hero.kind}?", "Who was it about?"])
        return [q, f"The story was about {ask.article(p.hero.kind)} named {p.hero.name}."]
    return list(talk.small(rng))


def conversation(seed: int, index: int, stories: float = 0.45) -> list[dict]:
    """Messages, as the chat template takes them; `stories` is the share that begins with one."""
    rng = random.Random(f"{seed}:{index}")
    r = rng.random()
    turns: list[str] = []
    if r < stories:
        turns, p, asked = story_turn(rng)
        while rng.random() < 0.1 and len(turns) < 5:
            turns += follow(p, asked, rng)
    else:
        count = 1 if rng.random() < 0.8 else 2
        for _ in range(count):
            turns += plain(rng)
        if rng.random() < 0.04:
            turns += story_turn(rng)[0]
    messages = [{"role": "system", "content": rng.choice(SYSTEMS)}] if rng.random() < 0.06 else []
    for i, text in enumerate(turns):
        messages.append({"role": "assistant" if i % 2 else "user", "content": text})
    return messages


def plain(rng: random.Random) -> list[str]:
    """A turn without a story."""
    kinds = ["fact", "small", "off", "off_zh", "hostile", "hostile_zh", "distress", "distress_zh"]
    kind = rng.choices(kinds, [50, 6, 22, 5, 7, 3, 8, 4])[0]
    made = talk.fact(rng) if kind == "fact" else talk.small(rng) if kind == "small" else talk.group(kind, rng)
    return list(made)


def digest(seed: int, count: int) -> str:
    """SHA-256 of the first conversations, one JSON line each."""
    h = hashlib.sha256()
    for i in range(count):
        h.update((json.dumps(conversation(seed, i), ensure_ascii=False) + "\n").encode())
    return h.hexdigest()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--hash", action="store_true", help="print the SHA-256 of the lines instead")
    a = parser.parse_args()
    if a.hash:
        print(digest(a.seed, a.count))
        sys.exit()
    for i in range(a.first, a.first + a.count):
        print(json.dumps(conversation(a.seed, i), ensure_ascii=False))
