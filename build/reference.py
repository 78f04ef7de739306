"""What transformers makes of a folder, in f32 on the CPU: `reference.py FOLDER COUNT`, the text on standard input, JSON out.

A language model: the ids of the text, COUNT greedy ids after it, and how far the least certain of them was ahead of the next
best. An encoder: the ids, and their mean-pooled, normalised embedding."""

import json
import sys

import torch
import transformers
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer


def greedy(model, ids: list[int], start: list[int] | None, count: int) -> dict:
    """Greedy ids behind `ids`, or behind `start` in a decoder that reads `ids` through its encoder; no end of text ends them."""
    made, margins = [], []
    for _ in range(count):
        if start is None:
            logits = model(input_ids=torch.tensor([ids + made])).logits
        else:
            logits = model(input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([start + made])).logits
        best = torch.topk(logits[0, -1].float(), 2)
        made.append(best.indices[0].item())
        margins.append((best.values[0] - best.values[1]).item())
    return {"prompt": ids, "start": start, "ids": made, "margins": margins}


def embedding(model, ids: list[int]) -> dict:
    mean = model(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(0)
    return {"prompt": ids, "embedding": torch.nn.functional.normalize(mean, dim=0).tolist()}


@torch.inference_mode()
def main() -> None:
    folder, count = sys.argv[1], int(sys.argv[2])
    config = AutoConfig.from_pretrained(folder)
    text = sys.stdin.read()
    ids = AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    kind = (config.architectures or [""])[0]
    encoder = kind.startswith("Bert")
    loader = AutoModel if encoder else AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    model = loader.from_pretrained(folder, dtype=torch.float32).eval()
    start = [config.decoder_start_token_id] if config.is_encoder_decoder else None
    made = embedding(model, ids) if encoder else greedy(model, ids, start, count)
    print(json.dumps({"version": f"transformers {transformers.__version__}", "text": text, "encoded": ids, **made}))


main()
