// What the page and the worker say to each other: types only, and the one way to make an error cross. Imports nothing.

/**
 * @typedef {"auto" | "gpu" | "cpu"} Device
 * @typedef {{ name: string, blob: Blob }} NamedBlob
 * @typedef {{ name: string, url: string, size?: number, sha256?: string }} RemoteFile
 * @typedef {string | NamedBlob[]} Source An absolute address, or files.
 *
 * @typedef {object} LoadOptions
 * @property {Device} [device]
 * @property {"auto" | "f32"} [precision]
 * @property {"f32" | "f16" | "q8"} [kv]
 * @property {number} [contextLength]
 * @property {string} [quantize] The block format that weights get which the files hold as floats: `q8_0`, `q4_k` …
 * @property {number} [maxBinding] Largest GPU binding in bytes; tests force sharding with it.
 * @property {string} [template] A prompt format's name, `none`, or a chat template in Jinja; `auto`: the files' own, else the one that they ask for.
 * @property {boolean} [tune] Whether it is measured, when nobody has asked anything for a while, which kernels are the fastest on this GPU; as a matter of course on real ones.
 * @property {number} [threads] Threads that multiply on the CPU, where weights are large enough: by default half of the processors, 8 at most.
 *
 * @typedef {{ url: string, integrity: string } | Uint8Array<ArrayBuffer>} Wasm Where the WebAssembly module is, and what it must hash to; or the module, gzipped.
 *
 * @typedef {object} Request What to generate; read by `crate/web/json.rs`.
 * @property {number} [maxTokens]
 * @property {number} [temperature]
 * @property {number} [topK]
 * @property {number} [topP]
 * @property {number} [minP]
 * @property {number} [repetitionPenalty]
 * @property {number} [presencePenalty]
 * @property {number} [frequencyPenalty]
 * @property {[number, number][]} [logitBias]
 * @property {number} [seed]
 * @property {string[]} [stop]
 * @property {boolean} [ignoreEos]
 * @property {number[]} [decoderTokens] What the decoder beside an encoder goes on from.
 *
 * @typedef {{ messages: object[] } | { text: string } | { ids: Uint32Array }} Prompt
 */

// To the worker. Every message with an `id` is answered by messages with the same `id`.
/**
 * @typedef {{ type: "fetch", id: number, asked: import("./store/keep.js").Asked }} Fetch Answers with the files, or `null`: read the address.
 * @typedef {{ type: "load", id: number, source: Source, options: LoadOptions, patience?: number, wasm?: Wasm }} Load
 * @typedef {{ type: "fit", id: number, source: Source, options: object, patience?: number }} FitOrder Asks what a model would take; read by `crate/web/json.rs`.
 * @typedef {{ type: "generate", id: number, prompt: Prompt, request: Request }} Generate
 * @typedef {{ type: "logits", id: number, ids: Uint32Array, decoder: Uint32Array, all: boolean }} Logits
 * @typedef {{ type: "embed", id: number, input: (string | Uint32Array)[] }} Embed
 * @typedef {{ type: "tokenize", id: number, text: string, special: boolean }} Tokenize
 * @typedef {{ type: "detokenize", id: number, ids: Uint32Array, skipSpecial: boolean }} Detokenize
 * @typedef {{ type: "template", id: number, messages: object[], generationPrompt: boolean }} Template
 * @typedef {{ type: "unload", id: number }} Unload
 * @typedef {{ type: "pause", on: boolean }} Pause Holds what is generated; stopping still works.
 * @typedef {{ type: "stop", id: number }} Stop Ends the fetch, load or generation with that id.
 * @typedef {Fetch | Load | FitOrder | Generate | Logits | Embed | Tokenize | Detokenize | Template | Unload | Pause | Stop} Order
 */

// From the worker.
/**
 * @typedef {{ type: "hello", webgpu: boolean, blobs: boolean }} Hello First, once; whether this thread has WebGPU, and can read blobs.
 * @typedef {{ type: "progress", id: number, phase: string, done: number, total: number }} Progress
 * @typedef {{ type: "warning", id: number, code: string, message: string }} Warning
 * @typedef {{ type: "trace", ms: number, what: string, more: unknown }} Trace
 * @typedef {{ type: "request", sent: Sent }} Requested
 * @typedef {{ type: "prefill", id: number, done: number, total: number }} Prefill
 * @typedef {{ type: "token", id: number, token: number, text: string }} Token
 * @typedef {{ type: "moved", id: number, info: Info }} Moved The GPU was lost; the model is on a device again.
 * @typedef {{ type: "tuned", selfTest: string }} Tuned More was found of the GPU while nobody waited; the information says so.
 * @typedef {{ type: "end", id: number, reason: Finish, text: string, stats: Stats, heapBytes: number }} End
 * @typedef {{ type: "result", id: number, value: any, heapBytes: number }} Result
 * @typedef {{ type: "error", id: number, code: string, message: string, cause?: string, fatal: boolean }} Failure `fatal`: the module is gone.
 * @typedef {Hello | Progress | Warning | Trace | Requested | Prefill | Token | Moved | Tuned | End | Result | Failure} Reply
 */

/**
 * @typedef {"stop" | "length" | "context" | "abort"} Finish
 *
 * @typedef {object} Info What is known of a loaded model.
 * @property {string} family
 * @property {string} name
 * @property {number} parameters
 * @property {string[]} formats
 * @property {"gpu" | "cpu"} device
 * @property {string} deviceReason
 * @property {string} adapter
 * @property {string} selfTest What the self-test found of the GPU, and which kernels were measured to be the fastest; empty on the CPU.
 * @property {string} products What multiplies on the CPU: `simd128` or `relaxed simd`.
 * @property {number} threads How many threads do, on the CPU.
 * @property {string | null} licence `null`: the file does not state one.
 * @property {Card} card
 * @property {number} contextLength
 * @property {number} contextTrained
 * @property {boolean} chat Whether it takes conversations.
 * @property {boolean} embeds Whether it makes embeddings, and no text.
 * @property {{ name: string, reason: string, chosen: boolean } | null} template Where its chat template comes from: `file`, `given`, or the
 *   prompt format of that name; `chosen`: for files that carry none.
 * @property {number} vocabulary
 * @property {number} gpuBytes
 * @property {number} cpuBytes
 * @property {number} heapBytes
 * @property {string} sha256
 *
 * @typedef {object} Card What a model's files state of themselves, in their own words; `null`: not stated.
 * @property {string | null} name
 * @property {string | null} author
 * @property {string | null} organisation
 * @property {string | null} version
 * @property {string | null} basename
 * @property {string | null} finetune
 * @property {string | null} licence
 * @property {string | null} licenceName
 * @property {string | null} licenceLink
 * @property {{ name: string, organisation: string | null, version: string | null, address: string | null }[] | null} baseModels
 * @property {string | null} quantisedBy
 * @property {string | null} repository
 * @property {string | null} source
 * @property {string[] | null} datasets
 * @property {string[] | null} languages
 * @property {string[]} formats Block formats of the weights, the most of them first.
 * @property {number} parameters
 * @property {{ name: string, sha256: string }[] | null} [files] Hashes that a hub lists.
 *
 * @typedef {object} Fit How a model fits a device; bytes and tokens.
 * @property {boolean} fits Whether it loads with `contextLength` tokens.
 * @property {{ weights: number, kv: number, scratch: number, total: number, peak: number, disk: number } | null} needs `total`:
 *   when loading is done; `peak`: at most, while long prompts are read. `null`: the model cannot be read.
 * @property {number} disk All files of weights.
 * @property {number} contextLength
 * @property {number} contextMost
 * @property {number} contextTrained
 * @property {"gpu" | "cpu"} device
 * @property {{ code: string, message: string, values: Record<string, any> }[]} reasons The most important first.
 * @property {Card} card
 *
 * @typedef {object} Stats Figures of the last request.
 * @property {number} promptTokens
 * @property {number} reusedTokens
 * @property {number} generatedTokens
 * @property {number} prefillTps
 * @property {number} decodeTps
 * @property {number} firstTokenMs
 * @property {number} dispatchesPerToken
 * @property {number} submissionsPerToken
 * @property {{ pipelines: number, bindGroups: number, buffers: number, writes: number }} created
 */

/**
 * A request that the worker or the page made, or more bytes of it (`requests: 0`).
 * @typedef {{ url: string, via?: string, at: number, requests: number, bytes: number, status?: number, failed?: boolean }} Sent `via`: where
 * it was sent on to.
 */

/**
 * What a message port and a worker have in common.
 * @typedef {object} Port
 * @property {(message: any, options?: { transfer?: Transferable[] }) => void} postMessage
 * @property {(type: "message", listener: (event: MessageEvent) => void) => void} addEventListener
 */

/** An error with a stable `code`, a plain `message` and, where there is one, a `cause`. */
export class NomoatError extends Error {
  /** @param {string} code @param {string} message @param {unknown} [cause] */
  constructor(code, message, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "NomoatError";
    this.code = code;
  }
}
