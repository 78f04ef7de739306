#!/bin/sh
# Makes the model anew: held-out prompts, tokenizer, weights, GGUF file, evaluation, card.
# MINUTES bounds the training (default: all steps); a run that was stopped goes on from its last checkpoint. FROM names a GGUF
# file whose weights and tokenizer to begin with (default: begin with nothing). Names of files count from this folder.
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
[ -f "$RUN/last.pt" ] || "$PYTHON" vocabulary.py "$RUN" ${FROM:+"$FROM"}
[ -n "${FROM:-}" ] || "$PYTHON" check.py --tokenizer "$RUN/tokenizer.json"
OMP_NUM_THREADS=1 nice -n 19 "$PYTHON" -m torch.distributed.run --standalone --nproc-per-node="$PROCESSES" \
  train.py "$RUN" ${MINUTES:+--minutes "$MINUTES"} ${FROM:+--weights "$FROM"}
"$PYTHON" export.py "$RUN/final.pt" --nomoat "$NOMOAT"
"$PYTHON" evaluate.py --nomoat "$NOMOAT" --tokenizer "$RUN/tokenizer.json" --answers "$RUN/answers.jsonl"
"$PYTHON" card.py --nomoat "$NOMOAT" --run "$RUN"
