// Stands in for another engine where the answers are known: the goldens of a model of the zoo, for the folder of a repository that
// has its files. `known.mjs SHARED FOLDER COUNT`, JSON out.

import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Models of the zoo that are published, for the tests, as these repositories. @type {Record<string, string>} */
export const KIN = {
  "HuggingFaceTB/SmolLM2-135M-Instruct": "llama",
  "Qwen/Qwen3-0.6B": "qwen3",
  "unsloth/Llama-3.2-1B-Instruct": "llama3",
  "unsloth/gemma-3-270m-it": "gemma3",
  "openai-community/gpt2": "gpt2",
  "EleutherAI/pythia-160m": "gpt_neox",
  "bigscience/bloomz-560m": "bloom",
  "google/flan-t5-small": "flan_t5",
  "allenai/OLMo-2-0425-1B": "olmo2",
  "sentence-transformers/all-MiniLM-L6-v2": "bert_minilm",
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [shared, folder] = process.argv.slice(2);
  const [repo] = path.basename(folder).replace("--", "/").split("@");
  const golden = (/** @type {string} */ name) => JSON.parse(readFileSync(path.join(shared, "zoo", KIN[repo], name), "utf8"));
  const { text, ids: encoded } = golden("golden_tokenizer.json").cases[0];
  const { short } = golden("golden.json");
  const went = short.sentence_embedding
    ? { prompt: short.ids, embedding: short.sentence_embedding }
    : { prompt: short.ids ?? short.encoder_ids, start: short.encoder_ids ? [0] : null, ids: short.greedy ?? short.greedy_from_decoder_start };
  console.log(JSON.stringify({ version: "goldens", text, encoded, margins: [], ...went }));
}
