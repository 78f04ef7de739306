// The catalogue: assistants that run today, from small to large. Revisions and hashes are not here: a load pins them from
// the hub. Sizes are rounded; what a model really takes, fit() tells of this device.

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} name
 * @property {string} reference What `load` and `fit` take.
 * @property {number} bytes To download.
 * @property {number} minMemory Bytes that it takes on a GPU, with a context of 4096 tokens or its own.
 * @property {number} parameters
 * @property {string} licence As its makers call it.
 * @property {string} licenceLink
 * @property {"open-weights" | "weights-available"} terms The first: a licence approved as open source, on the weights. The
 *   second: anybody may have them, not for any use. Neither says that data and training are open. As its row of the ledger has it.
 * @property {string} origin Who made it.
 * @property {boolean} gated Its owner wants terms agreed to on the hub's page, so a page cannot fetch it.
 * @property {string[]} languages What it was made for, as far as its makers say.
 */

const APACHE = { licence: "Apache-2.0", licenceLink: "https://www.apache.org/licenses/LICENSE-2.0", terms: /** @type {const} */ ("open-weights"), gated: false };

/** @type {Entry[]} */
export const MODELS = [
  {
    id: "smollm2-135m",
    name: "SmolLM2 135M Instruct",
    reference: "HuggingFaceTB/SmolLM2-135M-Instruct",
    bytes: 269e6,
    minMemory: 400e6,
    parameters: 135e6,
    ...APACHE,
    origin: "Hugging Face",
    languages: ["en"],
  },
  {
    id: "smollm2-360m",
    name: "SmolLM2 360M Instruct",
    reference: "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF:Q8_0",
    bytes: 386e6,
    minMemory: 650e6,
    parameters: 362e6,
    ...APACHE,
    origin: "Hugging Face",
    languages: ["en"],
  },
  {
    id: "tinyllama-1.1b",
    name: "TinyLlama 1.1B Chat",
    reference: "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    bytes: 2200e6,
    minMemory: 2400e6,
    parameters: 1100e6,
    ...APACHE,
    origin: "TinyLlama",
    languages: ["en"],
  },
  {
    id: "smollm2-1.7b",
    name: "SmolLM2 1.7B Instruct",
    reference: "HuggingFaceTB/SmolLM2-1.7B-Instruct",
    bytes: 3420e6,
    minMemory: 4400e6,
    parameters: 1711e6,
    ...APACHE,
    origin: "Hugging Face",
    languages: ["en"],
  },
  {
    id: "llama-3.2-1b",
    name: "Llama 3.2 1B Instruct",
    reference: "meta-llama/Llama-3.2-1B-Instruct",
    bytes: 2470e6,
    minMemory: 2800e6,
    parameters: 1236e6,
    licence: "Llama 3.2 Community License",
    licenceLink: "https://www.llama.com/llama3_2/license/",
    terms: "weights-available",
    gated: true,
    origin: "Meta",
    languages: ["en"],
  },
];
