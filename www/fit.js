// Whether a model fits this device, from its headers alone: what is asked of the browser, and the order to the worker.

import { Engine } from "./engine.js";
import { locate, parse } from "./hub.js";
import { NomoatError } from "./protocol.js";
import * as room from "./room.js";
import { permitted, readable, resolved, spelt } from "./source.js";

/**
 * @typedef {object} FitSettings
 * @property {"auto" | "gpu" | "cpu"} [device]
 * @property {number} [contextLength]
 * @property {string} [quantize] The block format that weights get which the files hold as floats: `q8_0`, `q4_k` …
 * @property {"f32" | "f16" | "q8"} [kv]
 * @property {number} [maxBinding]
 * @property {import("./room.js").Profile | null} [adapter] Instead of this browser's; `null`: as if there were none.
 * @property {number | null} [memory] Bytes of memory that the device has; by default what the browser tells, which is little.
 * @property {number | null} [disk] Bytes that may be stored; by default what the browser tells.
 * @property {string} [hub] Address of another hub.
 * @property {number} [budget] Bytes of weights to choose a hub's variant by, where none is named; give `load` the same.
 * @property {number} [patience] Milliseconds without a byte after which a request is sent again.
 * @property {(sent: import("./protocol.js").Sent) => void} [onRequest] Hears of every request that the worker makes.
 * @property {AbortSignal} [signal]
 *
 * @typedef {import("./protocol.js").Fit & { hub: import("./hub.js").Found | null }} Answer
 */

const IDLE_MS = 5000;

/** Shared by those who ask at the same time. @type {{ engine: Promise<Engine>, asking: number } | undefined} */
let shared;

/**
 * Says what a model would take and whether there is room for it, having read its headers by range requests and nothing else.
 * @param {Parameters<typeof import("./engine.js").load>[0]} source @param {FitSettings} [settings]
 * @returns {Promise<Answer>}
 */
export async function fit(source, { hub: host, signal, onRequest, budget = room.budget(), memory = room.memory(), disk, adapter, device = "auto", patience, ...wishes } = {}) {
  spelt(wishes);
  if (!["auto", "gpu", "cpu"].includes(device)) throw new NomoatError("unsupported-field", `device: expected auto, gpu or cpu, found ${device}`);
  permitted(source);
  const found = typeof source === "string" && parse(source, host) ? await locate(source, { hub: host, signal, budget }) : null;
  const from = readable(found?.files ?? (await resolved(source)));
  const gpu = device === "cpu" ? null : adapter === undefined ? await room.adapter() : adapter;
  const software = Boolean(gpu && (gpu.info ?? /** @type {any} */ (gpu)).isFallbackAdapter);
  const used = gpu && (device === "gpu" || !software);
  const options = {
    ...wishes,
    adapter: used ? { maxBinding: gpu.limits.maxStorageBufferBindingSize, maxBuffer: gpu.limits.maxBufferSize } : null,
    memory,
    disk: disk === undefined ? await room.disk() : disk,
  };
  /** @type {import("./protocol.js").Fit} */
  const told = await ask({ type: "fit", source: from, options, patience }, signal, onRequest);
  if (!used && device !== "cpu") {
    const message = software ? "the only GPU here is emulated in software: it would run on the CPU" : "there is no GPU that a page may use: it would run on the CPU";
    told.reasons.push({ code: software ? "software-gpu" : "no-webgpu", message, values: {} });
    // it would not run where it was asked to
    if (device === "gpu") told.fits = false;
  }
  if (told.needs) told.needs.disk = told.disk;
  // the hub's word counts where the file says nothing
  const { licence, licenceName, licenceLink } = told.card.licence || told.card.licenceName ? told.card : (found ?? told.card);
  const hashes = found?.files.flatMap(({ name, sha256 }) => (sha256 && /\.(gguf|safetensors)$/i.test(name) ? [{ name, sha256 }] : []));
  return { ...told, card: { ...told.card, licence, licenceName, licenceLink, files: hashes?.length ? hashes : null }, hub: found };
}

/** @param {any} order @param {AbortSignal} [signal] @param {FitSettings["onRequest"]} [onRequest] */
async function ask(order, signal, onRequest) {
  const mine = (shared ??= { engine: begun(), asking: 0 });
  mine.asking += 1;
  try {
    const engine = await mine.engine;
    // orders go one at a time, and each is heard of before it asks for anything
    const hear = () => void (engine.onRequest = onRequest);
    return (await engine.send(order, signal, hear)).value;
  } catch (thrown) {
    const error = thrown instanceof NomoatError ? thrown : new NomoatError("internal", thrown instanceof Error ? thrown.message : String(thrown), thrown);
    // the next one gets a sound module
    if (error.code === "internal" && shared === mine) shared = undefined;
    throw error;
  } finally {
    mine.asking -= 1;
    if (shared === mine) setTimeout(rest, IDLE_MS, mine);
    else rest(mine);
  }
}

async function begun() {
  const engine = new Engine();
  await engine.start(false, false);
  return engine;
}

/** Gives the module's memory back when nobody asks any more. @param {NonNullable<typeof shared>} mine */
function rest(mine) {
  if (mine.asking) return;
  if (shared === mine) shared = undefined;
  mine.engine.then((engine) => engine.close()).catch(() => {});
}
