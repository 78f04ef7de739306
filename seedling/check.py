"""The same seed gives the same bytes: holds the generator, and the tokenizer, to the hashes in `hashes.json`."""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import generate

FILE = Path(__file__).parent / "hashes.json"
SEED, COUNT = 1, 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", type=Path, help="check this file instead of the text")
    parser.add_argument("--bless", action="store_true", help="record what is found")
    a = parser.parse_args()
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
