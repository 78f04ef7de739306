"""The network: llama family (RMSNorm, rotary positions, grouped queries, SwiGLU, tied head), tensors named as published ones are."""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Shape:
    """Sizes. Every row of a matrix is a multiple of 32, so that all of them can be Q8_0."""

    vocab: int = 3072
    width: int = 192
    layers: int = 7
    heads: int = 6
    kv_heads: int = 2
    feed_forward: int = 768
    context: int = 1024
    theta: float = 100_000.0
    eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.width // self.heads

    def config(self, eos: int, bos: int) -> dict:
        """The `config.json` of a published checkpoint."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "_name_or_path": "Seedling",
            "vocab_size": self.vocab,
            "hidden_size": self.width,
            "intermediate_size": self.feed_forward,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "max_position_embeddings": self.context,
            "rope_theta": self.theta,
            "rms_norm_eps": self.eps,
            "hidden_act": "silu",
            "tie_word_embeddings": True,
            "attention_bias": False,
            "mlp_bias": False,
            "bos_token_id": bos,
            "eos_token_id": eos,
            "torch_dtype": "bfloat16",
        }

    def as_dict(self) -> dict:
        return asdict(self)


class Attention(nn.Module):
    """Causal attention; `kv_heads` keys and values are shared by groups of queries."""

    def __init__(self, s: Shape):
        super().__init__()
        self.s = s
        kv = s.kv_heads * s.head_dim
        self.q_proj = nn.Linear(s.width, s.width, bias=False)
        self.k_proj = nn.Linear(s.width, kv, bias=False)
        self.v_proj = nn.Linear(s.width, kv, bias=False)
        self.o_proj = nn.Linear(s.width, s.width, bias=False)

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        s = self.s
        q = self.q_proj(x).view(b, t, s.heads, s.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(b, t, s.kv_heads, s.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(b, t, s.kv_heads, s.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin) * s.head_dim**-0.5, rotate(k, cos, sin)
        # Written out: on CPUs, in bf16, this takes half the time of the fused function's two passes.
        groups = s.heads // s.kv_heads
        scores = (q.reshape(b, s.kv_heads, groups * t, -1) @ k.mT).view(b, s.kv_heads, groups, t, t)
        future = torch.full((t, t), float("-inf"), dtype=scores.dtype, device=scores.device).triu(1)
        shares = torch.softmax(scores + future, dim=-1, dtype=torch.float32).to(v.dtype)
        y = (shares.view(b, s.kv_heads, groups * t, t) @ v).view(b, s.heads, t, -1)
        return self.o_proj(y.transpose(1, 2).reshape(b, t, -1))


def rotate(x, cos, sin):
    """Rotates pairs (i, i + Dh/2) of each head by their position's angle."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, s: Shape):
        super().__init__()
        self.gate_proj = nn.Linear(s.width, s.feed_forward, bias=False)
        self.up_proj = nn.Linear(s.width, s.feed_forward, bias=False)
        self.down_proj = nn.Linear(s.feed_forward, s.width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """Attention and feed-forward, each behind a norm and around a residual."""

    def __init__(self, s: Shape):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(s.width, eps=s.eps)
        self.self_attn = Attention(s)
        self.post_attention_layernorm = nn.RMSNorm(s.width, eps=s.eps)
        self.mlp = FeedForward(s)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    """Everything below the head."""

    def __init__(self, s: Shape):
        super().__init__()
        self.embed_tokens = nn.Embedding(s.vocab, s.width)
        self.layers = nn.ModuleList(Block(s) for _ in range(s.layers))
        self.norm = nn.RMSNorm(s.width, eps=s.eps)


class Seedling(nn.Module):
    """The language model; its head is the embedding."""

    def __init__(self, s: Shape):
        super().__init__()
        self.shape = s
        self.model = Body(s)
        half = torch.arange(0, s.head_dim, 2, dtype=torch.float64) / s.head_dim
        angle = torch.outer(torch.arange(s.context, dtype=torch.float64), s.theta**-half)
        self.register_buffer("cos", angle.cos().float(), persistent=False)
        self.register_buffer("sin", angle.sin().float(), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                out = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(p, std=0.02 if "embed" in name else 0.0 if out else p.shape[1] ** -0.5)

    def hidden(self, ids):
        """The normed last hidden state, `[B, T, D]`."""
        t = ids.shape[1]
        x = self.model.embed_tokens(ids)
        cos, sin = self.cos[:t].to(x.dtype), self.sin[:t].to(x.dtype)
        for block in self.model.layers:
            x = block(x, cos, sin)
        return self.model.norm(x)

    def forward(self, ids):
        return F.linear(self.hidden(ids), self.model.embed_tokens.weight)
