"""Random weights of one shape in every format that is measured: `models.py SHAPE FOLDER`, where SHAPE is JSON.

{"name", "width", "layers", "heads", "kvHeads", "headDim", "hidden", "vocabulary", "context"}; the embedding is the head, too. The
folder gets NAME-FORMAT.gguf and, as a folder of Hugging Face's kind, config.json, model.safetensors and onnx/*.onnx, all of the
same weights."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import save_file

GGUF = {"F32": gguf.GGMLQuantizationType.F32, "Q8_0": gguf.GGMLQuantizationType.Q8_0, "Q4_0": gguf.GGMLQuantizationType.Q4_0}
EPS, THETA = 1e-5, 10_000.0
END = "<|endoftext|>"
# all that prompts are made of
LETTERS = range(ord("a"), ord("z") + 1)
# the builder takes the width of the cache's heads for a name, and Transformers.js a name for 0
NAMED = "kv_cache_dim"


def weights(shape: dict) -> dict[str, np.ndarray]:
    """By Hugging Face's names. Large enough beside the embedding that a token does not foretell itself."""
    random = np.random.default_rng(7)
    width, hidden = shape["width"], shape["hidden"]
    queries, keys = shape["heads"] * shape["headDim"], shape["kvHeads"] * shape["headDim"]

    def matrix(rows: int, columns: int) -> np.ndarray:
        return random.standard_normal((rows, columns), np.float32) / np.float32(columns**0.5)

    embedding = random.standard_normal((shape["vocabulary"], width), np.float32) * np.float32(0.05)
    # neither the end of text nor bytes are ever written: a part of a character is held back until the rest comes
    embedding[[*(n for n in range(257) if n not in LETTERS), -1]] = 0
    made = {"model.embed_tokens.weight": embedding}
    for n in range(shape["layers"]):
        layer = {
            "input_layernorm": np.ones(width, np.float32),
            "self_attn.q_proj": matrix(queries, width),
            "self_attn.k_proj": matrix(keys, width),
            "self_attn.v_proj": matrix(keys, width),
            "self_attn.o_proj": matrix(width, queries),
            "post_attention_layernorm": np.ones(width, np.float32),
            "mlp.gate_proj": matrix(hidden, width),
            "mlp.up_proj": matrix(hidden, width),
            "mlp.down_proj": matrix(width, hidden),
        }
        made |= {f"model.layers.{n}.{name}.weight": value for name, value in layer.items()}
    return made | {"model.norm.weight": np.ones(width, np.float32)}


def byte_characters() -> list[str]:
    """The characters by which byte-level vocabularies write bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = [byte for byte in range(256) if byte not in printable]
    return [chr(byte if byte in printable else 256 + other.index(byte)) for byte in range(256)]


def vocabulary(size: int) -> tuple[list[str], tuple[str, str]]:
    """Bytes, the one merge that a reader may ask for, fillers that no text becomes; the end of text is the last."""
    merge = ("!", "!")
    return [*byte_characters(), "".join(merge), *(f"<{n}>" for n in range(size - 258)), END], merge


def paired(matrix: np.ndarray, heads: int) -> np.ndarray:
    """Rows in the order of a llama's GGUF, where what is rotated together lies side by side."""
    rows, columns = matrix.shape
    return matrix.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(shape: dict, tensors: dict[str, np.ndarray], format: str, to: Path) -> None:
    writer = gguf.GGUFWriter(to, "llama")
    writer.add_name(f"random weights in the shape {shape['name']}")
    writer.add_block_count(shape["layers"])
    writer.add_context_length(shape["context"])
    writer.add_embedding_length(shape["width"])
    writer.add_feed_forward_length(shape["hidden"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["kvHeads"])
    writer.add_rope_dimension_count(shape["headDim"])
    writer.add_layer_norm_rms_eps(EPS)
    writer.add_rope_freq_base(THETA)
    writer.add_vocab_size(shape["vocabulary"])
    tokens, merge = vocabulary(shape["vocabulary"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * (len(tokens) - 1) + [gguf.TokenType.CONTROL])
    writer.add_token_merges([" ".join(merge)])
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_add_bos_token(False)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, shape["layers"])
    for name, value in tensors.items():
        heads = {"q_proj": shape["heads"], "k_proj": shape["kvHeads"]}.get(name.split(".")[-2])
        value = paired(value, heads) if heads else value
        kind = GGUF[format] if value.ndim > 1 else GGUF["F32"]
        writer.add_tensor(names.get_name(name, (".weight",)), gguf.quants.quantize(value, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_folder(shape: dict, tensors: dict[str, np.ndarray], to: Path) -> None:
    """What the builder and Transformers.js read; without an end of text, so that nothing ends early."""
    tokens, merge = vocabulary(shape["vocabulary"])
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape["width"],
        "intermediate_size": shape["hidden"],
        "num_hidden_layers": shape["layers"],
        "num_attention_heads": shape["heads"],
        "num_key_value_heads": shape["kvHeads"],
        "head_dim": shape["headDim"],
        "vocab_size": shape["vocabulary"],
        "max_position_embeddings": shape["context"],
        "rms_norm_eps": EPS,
        "rope_theta": THETA,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": len(tokens) - 1,
        "eos_token_id": None,
        "torch_dtype": "float32",
    }
    bytes_of_text = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [{"id": len(tokens) - 1, "content": END, "special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}],
        "pre_tokenizer": bytes_of_text,
        "decoder": bytes_of_text,
        "model": {"type": "BPE", "vocab": {token: n for n, token in enumerate(tokens)}, "merges": [list(merge)]},
    }
    (to / "config.json").write_text(json.dumps(config, indent=1))
    (to / "tokenizer.json").write_text(json.dumps(tokenizer))
    (to / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END}))
    save_file(tensors, to / "model.safetensors", metadata={"format": "pt"})


def build(folder: Path, precision: str, to: Path, *options: str) -> None:
    """One file; the head's width stands in it as a number."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        command = ["-m", "onnxruntime_genai.models.builder", "-i", folder, "-o", made, "-p", precision, "-e", "webgpu", "-c", f"{made}/cache"]
        extra = ["use_webgpu_fp32=true", "prune_lm_head=true", *options]
        ran = subprocess.run([sys.executable, *map(str, command), "--extra_options", *extra], capture_output=True, text=True)
        if ran.returncode:
            raise SystemExit(ran.stderr or ran.stdout)
        model = onnx.load(f"{made}/model.onnx")
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param == NAMED:
                dim.dim_value = json.loads((folder / "config.json").read_text())["head_dim"]
    onnx.save(model, to)


def main() -> None:
    shape, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    tensors = weights(shape)
    write_folder(shape, tensors, folder)
    for format in GGUF:
        write_gguf(shape, tensors, format, folder / f"{shape['name']}-{format}.gguf")
    build(folder, "fp32", folder / "onnx/model.onnx")
    # blocks like those of Q4_0; the embedding stays as it is, since no wasm kernel reads it in 4 bits
    build(folder, "int4", folder / "onnx/model_q4.onnx", "accuracy_level=4", "block_size=32", "shared_embeddings=false")
    quantize_dynamic(folder / "onnx/model.onnx", folder / "onnx/model_quantized.onnx", weight_type=QuantType.QUInt8)


if __name__ == "__main__":
    main()
