#!/bin/sh
# rustc for the module, as cargo's RUSTC_WRAPPER: libraries without what others between switch on for everyone. `regex-syntax` has
# no tables of Unicode's ages, boolean properties and breaks, which no tokenizer asks for (a pattern that names one is an error that
# says so): 150 kB. `regex-automata` has one engine that is fast and one for all the rest, not five, and looks for no words before
# it begins, which patterns of tokenizers have none of; its loops are not repeated in each caller, which takes up to 5 % of the time
# to encode: 11 kB, compressed. `fancy-regex` looks behind as far as a length that is known beforehand.
# Paths in messages of panics begin with a crate's name or in this folder, not with where those lie on this machine.
crate= previous=
for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/ "${0%build/rustc.sh}"; do
  set -- "$@" "--remap-path-prefix=$folder="
done
for argument; do
  [ "$previous" = --crate-name ] && crate=$argument
  previous=$argument
done
case $crate in
  fancy_regex) out=' variable-lookbehinds ' ;;
  regex_syntax) out=' unicode-age unicode-bool unicode-segment ' ;;
  regex_automata) out=' dfa dfa-build dfa-onepass dfa-search nfa-backtrack perf-literal-multisubstring perf-literal-substring perf-inline ' ;;
  *) exec $NOMOAT_WRAPPED "$@" ;;
esac
for argument; do
  shift
  feature=${argument#feature=\"}
  case $out in
    *" ${feature%\"} "*) set -- "$@" left_out ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec $NOMOAT_WRAPPED "$@"
