//! The native program: run, logits, greedy, tokenize, template, inspect, quantize, devices (`CONTRACT.md`, 2).

fn main() {}
