"""Trains the network on fresh conversations: Muon for the matrices, AdamW for the rest, a constant rate and then a decay to zero.

One thread a process; `torchrun --nproc-per-node=2 train.py …` trains on two cores, which wastes less than two threads do."""

import argparse
import csv
import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from gguf import GGUFReader
from gguf.quants import dequantize

import generate
import talk
import vocabulary
from model import Seedling, Shape

POOL = 512  # conversations that are sorted by length and cut into batches
CUT, KEPT = 0.6, 70  # of so many stories only the beginning is read, so many tokens: there is more to copy
COMMON = 120  # tokens that say nothing about what was asked for
ROWS = 56  # at most, of a batch: short answers get more steps than their few tokens would give them
FEW = 0.08  # of conversations begin with a story while `--talk` lasts: telling questions apart needs many of them
BRIEF, OPENING = 0.7, 12  # of so many short replies only the opening is learned, so many tokens: the rest is soon known by heart

# The type of the matrix products: `faster` chooses.
products = torch.bfloat16

TOLD = 0.5  # the weight of telling, at each word of the later half of a prompt, which reply it gets: a part of training only
REPLY = {reply: i + 1 for i, kind in enumerate(talk.replies()) for reply in kind}  # 0 is a story


class Muon(torch.optim.Optimizer):
    """Momentum whose matrix updates are made orthogonal by five Newton-Schulz steps; the processes share that work."""

    def __init__(self, params, lr: float, momentum: float = 0.95):
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.rank, self.world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            updates = []
            for i, p in enumerate(group["params"]):
                m = self.state[p].setdefault("momentum", torch.zeros_like(p))
                m.lerp_(p.grad, 1 - group["momentum"])
                mine = i % self.world == self.rank
                updates.append(orthogonal(p.grad.lerp(m, group["momentum"])) if mine else torch.zeros_like(p, dtype=products))
            if self.world > 1:
                summed(updates)
            for p, update in zip(group["params"], updates):
                p.mul_(1 - group["lr"] * 0.01).add_(update, alpha=-group["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5)


def orthogonal(g):
    x = (g if g.shape[0] <= g.shape[1] else g.T).to(products)
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x if g.shape[0] <= g.shape[1] else x.T


def faster() -> torch.dtype:
    """The type, bf16 or f32, in which this machine multiplies matrices faster; the processes agree."""
    times = []
    for kind in (torch.bfloat16, torch.float32):
        a, b = torch.ones(2048, 192, dtype=kind), torch.ones(192, 768, dtype=kind)
        for count in (3, 30):  # the first ones build the kernel
            begun = time.perf_counter()
            for _ in range(count):
                a @ b
        times.append(torch.tensor([time.perf_counter() - begun]))
    if dist.is_initialized():
        summed(times)
    return torch.bfloat16 if times[0] < times[1] else torch.float32


def summed(tensors: list[torch.Tensor]) -> None:
    """Replaces each tensor by its sum over all processes."""
    flat = torch.cat([t.flatten() for t in tensors])
    dist.all_reduce(flat)
    at = 0
    for t in tensors:
        t.copy_(flat[at : at + t.numel()].view_as(t))
        at += t.numel()


def common_tokens(tokenizer) -> set[int]:
    """The most frequent tokens, and the marks between turns."""
    counts = Counter(t for i in range(1000) for t in vocabulary.encode(tokenizer, generate.conversation(vocabulary.TRAIN_SEED, i))[0])
    return {t for t, _ in counts.most_common(COMMON)}


def example(tokenizer, common: set[int], seed: int, index: int, *stories: float) -> tuple[list[int], list[float], list[int]]:
    """Conversation `index` as ids, weights, and the reply that the first prompt gets at its later ids, -1 elsewhere; of the answer
    often only the beginning."""
    messages = generate.conversation(seed, index, *stories)
    ids, learn = vocabulary.encode(tokenizer, messages)
    weights = vocabulary.weights(ids, learn, common)
    first, chance = learn.index(True), random.Random(index).random()
    long = len(ids) > first + 2 * KEPT
    if long and chance < CUT:
        ids, weights = ids[: first + KEPT], weights[: first + KEPT]
    elif not long and chance < BRIEF and sum(m["role"] == "assistant" for m in messages) == 1:
        ids, weights = ids[: first + OPENING], weights[: first + OPENING]
    answer = next(m["content"] for m in messages if m["role"] == "assistant")
    told = [REPLY.get(answer, 0) if first // 2 <= i < first else -1 for i in range(len(ids))]
    return ids, weights, told


def batches(tokenizer, seed: int, pool: int, stride: int, tokens: int, limit: int, stories):
    """From pool number `pool` on: (next pool, ids `[B, T]`, next ids, weights of those, replies). `stories()` says how many are wanted."""
    common = common_tokens(tokenizer)
    while True:
        made = [example(tokenizer, common, seed, i, *stories()) for i in range(pool * POOL, (pool + 1) * POOL)]
        made = sorted((m for m in made if len(m[0]) <= limit), key=lambda m: len(m[0]))
        cut, group = [], []
        for m in made:
            if group and (len(group) == ROWS or (len(group) + 1) * len(m[0]) > tokens):
                cut.append(group)
                group = []
            group.append(m)
        cut.append(group)
        random.Random(pool // stride).shuffle(cut)  # alike in all processes, which wait for one another
        pool += stride
        for group in cut:
            width = -(-max(len(ids) for ids, *_ in group) // 8) * 8 + 1  # few widths: kernels are kept for each
            filled = ([part + [none] * (width - len(part)) for part in parts] for parts, none in zip(zip(*group), (0, 0.0, -1)))
            ids, weights, told = (torch.tensor(rows) for rows in filled)
            yield pool, ids[:, :-1], ids[:, 1:], weights[:, 1:], told[:, :-1]


def loss_of(net, hidden_of, teller, ids, targets, weights, told):
    """Weighted mean loss of the tokens that are learned, and of telling replies; for the log the plain means of all and of the
    copied ones."""
    keep = weights > 0
    with torch.autocast("cpu", torch.bfloat16, enabled=products == torch.bfloat16):
        hidden = hidden_of(ids)
        logits = F.linear(hidden[keep], net.model.embed_tokens.weight)
        guesses = teller(hidden[told >= 0])
    telling = F.cross_entropy(guesses.float(), told[told >= 0])
    losses = F.cross_entropy(logits.float(), targets[keep], reduction="none")
    copied = losses[weights[keep] >= vocabulary.COPIED]
    return (losses * weights[keep]).sum() / weights.sum() + TOLD * telling, (losses.mean().item(), copied.mean().item() if len(copied) else None)


def share(parameters, done: float, rank: int, world: int) -> float:
    """Averages the gradients of all processes; answers how far the first of them is, by its clock."""
    if world == 1:
        return done
    own = torch.tensor([done if rank == 0 else 0.0])
    summed([p.grad for p in parameters] + [own])
    for p in parameters:
        p.grad.div_(world)
    return own.item()


def planted(path: Path, shape: Shape) -> dict[str, torch.Tensor]:
    """The weights of a GGUF file that `export.py` wrote, to train them further."""
    names = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_output": "self_attn.o_proj"}
    names |= {f"attn_{x}": f"self_attn.{x}_proj" for x in "qkv"} | {f"ffn_{x}": f"mlp.{x}_proj" for x in ("gate", "up", "down")}
    state = {}
    for t in GGUFReader(path).tensors:
        w = torch.from_numpy(dequantize(t.data, t.tensor_type).copy())
        block, _, name = t.name.removesuffix(".weight").rpartition(".")
        if name in ("attn_q", "attn_k"):  # GGUF has the two halves of a head interleaved
            w = w.view(-1, shape.head_dim // 2, 2, w.shape[1]).transpose(1, 2).reshape(w.shape)
        whole = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}.get(name) or f"model.layers.{block[4:]}.{names[name]}"
        state[whole + ".weight"] = w
    return state


def grown(small: dict[str, torch.Tensor], fresh: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of a network of fewer layers or less feed-forward width in one of the size of `fresh`, which says the same
    as the small one: fresh output projections are zero, so what is new adds nothing until it has learned (Net2Net, arXiv:1511.05641)."""
    for name, w in small.items():
        fresh[name][tuple(slice(n) for n in w.shape)] = w
    return fresh


def save(path: Path, **what) -> None:
    part = path.with_suffix(".part")
    torch.save(what, part)
    os.replace(part, path)


def open_log(path: Path, step: int):
    """The log as a CSV writer, without the rows that a resumed run will write again."""
    kept = [r for r in csv.reader(path.open()) if not r[0].isdigit() or int(r[0]) <= step] if path.exists() else []
    log = csv.writer(path.open("w", buffering=1))
    log.writerows(kept or [["step", "tokens", "seconds", "rate", "loss", "copied"]])
    return log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="with tokenizer.json; checkpoints and the log go there")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=48_000)
    parser.add_argument("--minutes", type=float, default=1e9, help="end after so long, even if there are steps left")
    parser.add_argument("--decay", type=float, default=0.6, help="share of the run in which the rate falls to zero")
    parser.add_argument("--talk", type=float, default=0.4, help="share of the run, its beginning, with few stories")
    parser.add_argument("--tokens", type=int, default=4096, help="in a step, of all processes")
    parser.add_argument("--rate", type=float, default=0.012)
    parser.add_argument("--resume", default="last.pt")
    parser.add_argument("--weights", type=Path, help="a GGUF file of the same shape and tokenizer to begin with")
    a = parser.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(1)
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world > 1:
        dist.init_process_group("gloo")
    global products
    products = faster()
    tokenizer = vocabulary.load(a.folder)
    net = Seedling(Shape(vocab=tokenizer.get_vocab_size()))
    if a.weights and not (a.folder / a.resume).exists():
        net.load_state_dict(grown(planted(a.weights, net.shape), net.state_dict()))
    hidden_of = torch.compile(net.hidden, dynamic=True) if shutil.which("g++") else net.hidden  # a fifth less time
    teller = torch.nn.Linear(net.shape.width, len(talk.replies()) + 1)
    average = {k: v.clone() for k, v in net.state_dict().items()}
    matrices = [p for n, p in net.named_parameters() if p.dim() == 2 and "embed" not in n]
    rest = [p for n, p in net.named_parameters() if p.dim() != 2 or "embed" in n] + list(teller.parameters())
    optimizers = [Muon(matrices, lr=a.rate), torch.optim.AdamW(rest, lr=a.rate / 5, betas=(0.9, 0.97), weight_decay=0.0)]
    rates = [a.rate, a.rate / 5]
    step, pool, seen, spent, decaying = 0, 0, 0, 0.0, False
    if (a.folder / a.resume).exists():
        c = torch.load(a.folder / a.resume)
        net.load_state_dict(c["net"])
        teller.load_state_dict(c["teller"])
        average = c["average"]
        for o, s in zip(optimizers, c["optimizers"]):
            o.load_state_dict(s)
        step, pool, seen, spent = c["step"], c["pool"], c["seen"], c["spent"]

    def checkpoint(name: str) -> None:
        if rank:
            return
        save(a.folder / name, net=net.state_dict(), teller=teller.state_dict(), average=average, shape=net.shape.as_dict(), step=step, pool=pool, seen=seen,
             spent=spent, optimizers=[o.state_dict() for o in optimizers])  # fmt: skip

    log = open_log(a.folder / "log.csv", step) if rank == 0 else None
    begun, saved, recent = time.time() - spent, time.time(), []
    parameters, done = matrices + rest, 0.0
    taken = batches(tokenizer, a.seed, pool + rank, world, a.tokens // world, net.shape.context, lambda: (FEW,) if done < a.talk else ())
    for pool, *batch in taken:
        spent = time.time() - begun
        if done >= 1:
            break
        if done >= 1 - a.decay and not decaying:
            decaying = True
            checkpoint("stable.pt")
        factor = min(1.0, (step + 1) / 60, (1 - done) / a.decay)
        loss, plain = loss_of(net, hidden_of, teller, *batch)
        loss.backward()
        done = share(parameters, max(step / a.steps, spent / 60 / a.minutes), rank, world)
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        for o, rate in zip(optimizers, rates):
            o.param_groups[0]["lr"] = rate * factor
            o.step()
            o.zero_grad(set_to_none=True)
        net.zero_grad(set_to_none=True)
        step, seen = step + 1, seen + batch[0].numel() * world
        keep = min(0.98, step / (step + 20))
        with torch.no_grad():
            for k, v in net.state_dict().items():
                average[k].lerp_(v, 1 - keep)
        recent.append(plain)
        if log and step % 20 == 0:
            mean, copied = (sum(x) / max(1, len(x)) for x in ([r for r, _ in recent], [r for _, r in recent if r is not None]))
            log.writerow([step, seen, round(spent, 1), f"{a.rate * factor:.5f}", f"{mean:.4f}", f"{copied:.4f}"])
            print(f"{step} {seen / 1e6:.2f}M {spent:.0f}s {mean:.3f} copied {copied:.3f}", flush=True)
            recent.clear()
        if time.time() - saved > 180:
            checkpoint("last.pt")
            saved = time.time()
    checkpoint("final.pt")


if __name__ == "__main__":
    main()
