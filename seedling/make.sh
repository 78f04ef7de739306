#!/bin/sh
# Makes the model anew: held-out prompts, tokenizer, weights, GGUF file, evaluation, card.
# MINUTES bounds the training (default: all steps); a run that was stopped goes on from its last checkpoint.
set -eu
cd "$(dirname "$0")"
NOMOAT=${NOMOAT:-../target/release/nomoat}
PYTHON=${PYTHON:-python3}
RUN=${RUN:-run}
PROCESSES=${PROCESSES:-2}

"$PYTHON" -m pip install --quiet -r requirements.txt
[ -x "$NOMOAT" ] || (cd .. && cargo build --release)
"$PYTHON" check.py
"$PYTHON" heldout.py
[ -f "$RUN/tokenizer.json" ] || "$PYTHON" vocabulary.py "$RUN"
"$PYTHON" check.py --tokenizer "$RUN/tokenizer.json"
OMP_NUM_THREADS=1 nice -n 19 "$PYTHON" -m torch.distributed.run --standalone --nproc-per-node="$PROCESSES" \
  train.py "$RUN" ${MINUTES:+--minutes "$MINUTES"}
"$PYTHON" export.py "$RUN/final.pt" --nomoat "$NOMOAT"
"$PYTHON" evaluate.py --nomoat "$NOMOAT" --tokenizer "$RUN/tokenizer.json" --answers "$RUN/answers.jsonl"
"$PYTHON" card.py --nomoat "$NOMOAT" --run "$RUN"
