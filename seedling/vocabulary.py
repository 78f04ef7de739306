"""The tokenizer: byte-level BPE, trained on the generator's text; and a conversation as ids with what is to be learned."""

import itertools
import json
import sys
from collections import Counter
from pathlib import Path

from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

import generate

SIZE = 3072
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
# The space makes the first word of a request the token that it is in the story.
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ ' ' if m['role'] == 'user' }}{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
COPIED = 6.0  # the weight of a token that the prompt said
RETURNING = 10.0  # of the first time that it comes in a story, after the title, for there it may be forgotten
DECIDING, FIRST, SHORT = 5.0, 5, 90  # the weight of the first tokens of a reply that is no story: they decide which reply it is
TRAIN_SEED, TRAIN_COUNT = 9, 12_000


def divided(tokenizer: Tokenizer) -> Tokenizer:
    """Gives it its pieces: single digits, then words as bytes."""
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train() -> Tokenizer:
    """The vocabulary of the first conversations of a seed of its own."""
    tokenizer = divided(Tokenizer(models.BPE()))
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        min_frequency=2,
        special_tokens=[AddedToken(t, special=True, normalized=False) for t in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=9,  # bytes: at most three Chinese characters, since no blanks part them
        show_progress=False,
    )
    texts = (m["content"] for i in range(TRAIN_COUNT) for m in generate.conversation(TRAIN_SEED, i))
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def planted(path: Path) -> Tokenizer:
    """The tokenizer of a GGUF file that `export.py` wrote."""
    fields = GGUFReader(path).fields
    tokens, merges = (fields["tokenizer.ggml." + k].contents() for k in ("tokens", "merges"))
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[tuple(m.split(" ")) for m in merges]))
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    return divided(tokenizer)


def load(folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def encode(tokenizer: Tokenizer, messages: list[dict]) -> tuple[list[int], list[bool]]:
    """Ids, and for each whether it is to be learned: the assistant's words and the end of its turn."""
    ids, learn = [], []
    start, end = tokenizer.token_to_id("<|im_start|>"), tokenizer.token_to_id("<|im_end|>")
    newline = tokenizer.encode("\n").ids
    for m in messages:
        head = [start, *tokenizer.encode(m["role"] + "\n").ids]
        body = [*tokenizer.encode(" " * (m["role"] == "user") + m["content"]).ids, end]
        ids += head + body + newline
        learn += [False] * len(head) + [m["role"] == "assistant"] * len(body) + [False] * len(newline)
    return ids, learn


def weights(ids: list[int], learn: list[bool], common: set[int]) -> list[float]:
    """How much each token counts: most what was said before by somebody else, and is no common word, and what decides on a reply."""
    said, times, out = set(), Counter(), []
    for token, mine in zip(ids, learn):
        if not mine:
            said.add(token)
            times[token] = 0
        copied = mine and token in said and token not in common
        times[token] += copied
        out.append(0.0 if not mine else 1.0 if not copied else RETURNING if times[token] == 2 else COPIED)
    start = 0
    for mine, run in itertools.groupby(learn):
        end = start + len(list(run))
        if mine and end - start < SHORT:
            for i in range(start, min(end, start + FIRST)):
                out[i] = max(out[i], DECIDING)
        start = end
    return out


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """`tokenizer.json` and its settings."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": False,
        "add_eos_token": False,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "bos_token": "<|endoftext|>",
        "chat_template": TEMPLATE,
        "model_max_length": 1024,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


if __name__ == "__main__":
    save(planted(Path(sys.argv[2])) if sys.argv[2:] else train(), Path(sys.argv[1]))
