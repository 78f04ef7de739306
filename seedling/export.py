"""A checkpoint as published files: bf16 safetensors, config, tokenizer, settings, card; and, by `nomoat quantize`, as GGUF."""

import argparse
import json
import subprocess
from pathlib import Path

import torch
from gguf import GGUFReader, GGUFValueType, GGUFWriter
from safetensors.torch import save_file

import vocabulary
from model import Shape

HERE = Path(__file__).parent
GENERAL = {
    "general.name": "Seedling",
    "general.author": "the nomoat authors",
    "general.version": "1",
    "general.size_label": "4.4M",
    "general.description": "A very small model that tells stories and answers questions about nomoat; trained only on text from its own generator.",
    "general.license": "MIT OR Apache-2.0",
    "general.license.name": "MIT licence or Apache License 2.0, as you choose",
}
LISTS = {"general.tags": ["text-generation", "stories", "conversational"], "general.languages": ["en", "zh"], "general.datasets": ["seedling/generate.py"]}
GENERATION = {"eos_token_id": 2, "pad_token_id": 0, "do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 40, "min_p": 0.05}


def publish(checkpoint: Path, folder: Path, which: str) -> None:
    """Writes the folder that a published model is."""
    c = torch.load(checkpoint)
    shape = Shape(**c["shape"])
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.bfloat16().contiguous() for k, v in c[which].items()}, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(shape.config(eos=2, bos=0), indent=2) + "\n")
    (folder / "generation_config.json").write_text(json.dumps(GENERATION, indent=2) + "\n")
    vocabulary.save(vocabulary.load(checkpoint.parent), folder)


def describe(source: Path, target: Path) -> None:
    """Copies a GGUF file and says in it what it is."""
    reader = GGUFReader(source)
    writer = GGUFWriter(target, reader.fields["general.architecture"].contents())
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture" or key in GENERAL or key in LISTS:
            continue
        kind = field.types[0]
        writer.add_key_value(key, field.contents(), kind, field.types[-1] if kind == GGUFValueType.ARRAY else None)
    for key, value in GENERAL.items():
        writer.add_string(key, value)
    for key, value in LISTS.items():
        writer.add_array(key, value)
    for t in reader.tensors:
        writer.add_tensor(t.name, t.data, raw_shape=t.data.shape, raw_dtype=t.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--nomoat", default=str(HERE.parent / "target/release/nomoat"))
    parser.add_argument("--out", type=Path, default=HERE / "seedling.gguf")
    parser.add_argument("--average", action="store_true", help="the running average of the weights, for a run whose rate has not decayed")
    a = parser.parse_args()
    folder = a.checkpoint.parent / "Seedling"
    publish(a.checkpoint, folder, "average" if a.average else "net")
    bare = a.checkpoint.parent / "bare.gguf"
    subprocess.run([a.nomoat, "quantize", str(folder), str(bare), "--type", "q8_0"], check=True)
    describe(bare, a.out)
    bare.unlink()
    print(a.out, a.out.stat().st_size, "bytes")
