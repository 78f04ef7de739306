"""The card: `README.md` and `card.json`, from the log, the evaluation and twenty stories sampled now; the loss curve as SVG."""

import argparse
import csv
import json
import shutil
from pathlib import Path

import evaluate

HERE = Path(__file__).parent
WATTS = 60  # two cores of a server processor with their share of memory and cooling: a guess from data sheets
PROMPTS = ["Tell me a story about a fox and a lantern.", "Write a short spooky story about a girl named Mira and an old clock.", "A funny story about a goat and a trumpet", "Tell me a story about the moon."]
GRADES = [  # key, name, grade, why
    ("opencode", "Open code", "open", "generator, trainer, export, evaluation: this folder"),
    ("llmdata", "LLM data", "open", "made by `generate.py`, byte for byte from a seed"),
    ("llmweights", "LLM weights", "open", "`seedling.gguf`, with the procedure that makes it, but for the mean of its last two runs"),
    ("rldata", "RL data", "open", "there is one stage only, the same text"),
    ("rlweights", "RL weights", "open", "there is one stage only, the same weights"),
    ("license", "License", "open", "MIT or Apache-2.0, for code, data and weights"),
    ("code", "Code documentation", "open", "this file, and a docstring a function of any weight"),
    ("architecture", "Architecture", "open", "`model.py`, and the section on its shape"),
    ("preprint", "Preprint", "closed", "there is none"),
    ("paper", "Paper", "closed", "there is none"),
    ("modelcard", "Model card", "open", "this file"),
    ("datasheet", "Datasheet", "partial", "the section on data; not in the form of a datasheet"),
    ("package", "Package", "open", "it is part of nomoat's releases"),
    ("api", "API", "open", "`nomoat run`, `load(\"embedded\")`: no server, no key"),
]  # fmt: skip
LABELS = {
    "stories": "story requests by another seed: every item there, ends, no sentence twice", "unseen_words": "words that training never has, copied as written",
    "questions": "questions about nomoat in unseen phrasings: key fact", "critical": "of these, about privacy, licence and safety", "off_topic": "off-topic: a kind decline",
    "chinese": "off-topic in Chinese: a kind decline in Chinese", "hostile": "hostile: a kind decline", "distress": "in distress: the fixed reply that points to people",
}  # fmt: skip


def curve(rows: list[dict], path: Path) -> None:
    """Loss against tokens as a picture."""
    w, h, left, low = 640, 300, 50, 260
    most = float(rows[-1]["tokens"])
    top = max(float(r["loss"]) for r in rows)
    points = " ".join(f"{left + 570 * float(r['tokens']) / most:.1f},{low - 240 * float(r['loss']) / top:.1f}" for r in rows)
    marks = "".join(f'<text x="44" y="{low - 240 * i / top + 4:.0f}" text-anchor="end">{i}</text><path d="M{left} {low - 240 * i / top:.1f}h570" stroke="#ccc"/>' for i in range(int(top) + 1))
    marks += "".join(f'<text x="{left + 570 * i / 4:.0f}" y="278" text-anchor="middle">{most * i / 4e6:.1f}</text>' for i in range(5))
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" font-family="sans-serif" font-size="12"><title>Training loss</title><rect width="{w}" height="{h}" fill="#fff"/>'
        f'{marks}<polyline points="{points}" fill="none" stroke="#2a6f4e" stroke-width="1.5"/><text x="330" y="296" text-anchor="middle">million tokens read</text></svg>\n'
    )


def quoted(text: str) -> str:
    return "\n".join("> " + line if line else ">" for line in text.splitlines())


def sampled(nomoat: str, model: Path) -> str:
    made = []
    for seed in range(1, 21):
        prompt = PROMPTS[(seed - 1) % len(PROMPTS)]
        made.append(f"**{seed}. {prompt}**\n\n{quoted(evaluate.answer(nomoat, model, prompt, '--temp', '0.8', '--seed', str(seed)))}\n")
    return "\n".join(made)


def failures(answers: Path, most: int = 6) -> str:
    """Examples of what went wrong, one of each set first; none of what people in distress or ill will ask, which is counted only."""
    bad = [json.loads(line) for line in answers.read_text().splitlines()]
    bad = [b for b in bad if b["faults"] and b["set"] not in ("hostile", "distress")]
    order = sorted(range(len(bad)), key=lambda i: [b["set"] for b in bad[:i]].count(bad[i]["set"]))
    return "\n".join(f"*{b['prompt']}* ({', '.join(b['faults'])})\n\n{quoted(b['answer'])}\n" for b in (bad[i] for i in order[:most])) or "None of the held-out prompts.\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nomoat", default=str(HERE.parent / "target/release/nomoat"))
    parser.add_argument("--run", type=Path, default=HERE / "run")
    parser.add_argument("--note", default="", help="what else is to be said of the training")
    a = parser.parse_args()
    model = HERE / "seedling.gguf"
    shutil.copy(a.run / "log.csv", HERE / "log.csv")
    rows = list(csv.DictReader((HERE / "log.csv").open()))
    curve(rows, HERE / "loss.svg")
    result = json.loads((HERE / "evaluation.json").read_text())
    table = "\n".join(f"| {LABELS[k]} | {r['right']} of {r['asked']} | {100 * r['share']:.1f} % | {100 * r['target']:.0f} % | {'met' if r['met'] else '**not met**'} |" for k, r in result.items())
    last, hours = rows[-1], float(rows[-1]["seconds"]) / 3600
    facts = {
        "table": table, "tokens": f"{int(last['tokens']) / 1e6:.1f}", "steps": last["step"], "minutes": f"{hours * 60:.0f}", "loss": last["loss"], "size": f"{model.stat().st_size / 1e6:.2f}",
        "energy": f"{hours * WATTS:.0f}", "watts": str(WATTS), "grades": "\n".join(f"| {n} | {g} | {w} |" for _, n, g, w in GRADES),
        "note": a.note,
        "warning": "" if all(r["met"] for r in result.values()) else "\n\n**These weights miss targets of theirs; the table below says which.**",
        "stories": sampled(a.nomoat, model), "failures": failures(a.run / "answers.jsonl"),
    }  # fmt: skip
    text = (HERE / "card.md").read_text()
    for key, value in facts.items():
        text = text.replace("{{" + key + "}}", value)
    (HERE / "README.md").write_text(text)
    card = {
        "name": "Seedling", "developer": "the nomoat authors", "family": "llama", "parameters": 4_377_408, "context": 1024, "languages": ["en", "zh"],
        "licence": {"spdx": "MIT OR Apache-2.0", "scope": ["weights", "code", "data"], "osi_approved": True},
        "grades": {"framework": "opening-up-chatgpt, 14 criteria (2023)", "rater": "self-assessed", "grades": {k: g for k, _, g, _ in GRADES}, "reasons": {k: w for k, _, _, w in GRADES}},
        "training": {"tokens": int(last["tokens"]), "steps": int(last["step"]), "seconds": float(last["seconds"]), "hardware": "two cores of a server CPU, shared with other work", "energy_wh": round(hours * WATTS), "energy_method": f"{WATTS} W (assumed, not measured) times wall time"},
        "evaluation": result,
    }  # fmt: skip
    (HERE / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
