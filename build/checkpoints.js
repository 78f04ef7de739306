// The published checkpoints that `./build.sh prove` tries. Where the publisher asks readers to sign something, it is a copy of
// the same weights that does not.

/** @typedef {{ name: string, repo: string }} Checkpoint */

/** @type {Checkpoint[]} */
export const CHECKPOINTS = [
  { name: "SmolLM2-135M-Instruct", repo: "HuggingFaceTB/SmolLM2-135M-Instruct" },
  { name: "Qwen3-0.6B", repo: "Qwen/Qwen3-0.6B" },
  { name: "Llama-3.2-1B-Instruct", repo: "unsloth/Llama-3.2-1B-Instruct" },
  { name: "gemma-3-270m-it", repo: "unsloth/gemma-3-270m-it" },
  { name: "GPT-2", repo: "openai-community/gpt2" },
  { name: "Pythia-160M", repo: "EleutherAI/pythia-160m" },
  { name: "BLOOMZ-560m", repo: "bigscience/bloomz-560m" },
  { name: "flan-t5-small", repo: "google/flan-t5-small" },
  { name: "OLMo-2-1B", repo: "allenai/OLMo-2-0425-1B" },
  { name: "all-MiniLM-L6-v2", repo: "sentence-transformers/all-MiniLM-L6-v2" },
];
