"""The same seed gives the same bytes: holds the generator, and the tokenizer, to the hashes in `hashes.json`; and no word that the
evaluation keeps for itself stands in what people ask."""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

import generate
import words

FILE = Path(__file__).parent / "hashes.json"
SEED, COUNT = 1, 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", type=Path, help="check this file instead of the text")
    parser.add_argument("--bless", action="store_true", help="record what is found")
    a = parser.parse_args()
    kept = {w.lower() for w in words.HELD_OUT}
    for name in ("phrasings.txt", "synonyms.txt", "facts.txt", "talk.py"):
        for n, line in enumerate((FILE.parent / name).read_text().splitlines(), 1):
            if found := kept & set(re.findall(r"[a-z]+", line.lower())):
                sys.exit(f"error: {name}:{n}: {', '.join(found)}: the evaluation keeps that for itself")
    key = "tokenizer" if a.tokenizer else "text"
    found = hashlib.sha256(a.tokenizer.read_bytes()).hexdigest() if a.tokenizer else generate.digest(SEED, COUNT)
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    if a.bless:
        FILE.write_text(json.dumps(known | {key: found}, indent=1, sort_keys=True) + "\n")
    elif known.get(key) != found:
        sys.exit(f"error: {key}: expected {known.get(key)}, found {found}")
    print(key, found)


if __name__ == "__main__":
    main()
