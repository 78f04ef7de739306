#!/usr/bin/env bash
# Writes a model in two smaller block formats and lets all three continue one prompt, greedily: what does quantising cost?
#
#   examples/shell/compare.sh MODEL "Once upon a time"
#
# MODEL is a .gguf or .safetensors file or a folder with config.json.
set -euo pipefail

model=${1:?"which model? give a file or a folder"}
prompt=${2:-"Once upon a time"}
nomoat=${NOMOAT:-$(dirname "$0")/../../target/release/nomoat}
[ -x "$nomoat" ] || { echo "build it first: cargo build --release" >&2 && exit 1; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

say() {
  printf '\n== %s, %s bytes\n' "$1" "$(du -sb "$2" | cut -f1)"
  "$nomoat" run "$2" --raw --temp 0 -n 60 -p "$prompt"
}

say "as it is" "$model"
for type in q8_0 q4_0; do
  "$nomoat" quantize "$model" "$folder/$type.gguf" --type "$type"
  say "$type" "$folder/$type.gguf"
done
