// What can be known of a model before it is downloaded: asked of its host and its header, for the consent sheet.

import { parse } from "../hub.js";
import { fit } from "../nomoat.js";
import { disk } from "../room.js";
import { bears } from "./device.js";

/**
 * @typedef {object} Chosen What the user chose.
 * @property {any} source
 * @property {string} name
 * @property {string} device
 * @property {import("../models.js").Entry} [entry] Of the catalogue.
 * @property {boolean} [stored] It is here already, whole.
 * @property {boolean} [unasked] The page itself chose it, the model that came with it.
 * @property {boolean} [linked] A link chose it, not the user.
 * @property {import("../protocol.js").Card} [card] What was stated when it was looked up.
 * @property {any} [hub] What the hub said then.
 * @property {number} [contextLength]
 * @property {"auto" | "never"} [store]
 *
 * @typedef {object} Known
 * @property {number} [bytes]
 * @property {string | null} [licence]
 * @property {{ label: string, bytes: number }[]} [variants]
 * @property {string} [variant]
 * @property {string} [id]
 * @property {number} [room] Bytes that may still be stored.
 * @property {any} [fit]
 */

/** The hub that references mean, where the page's address names no other. */
export const HUB = new URLSearchParams(location.search).get("hub") ?? "https://huggingface.co";

/** The format to quantise to, where the page's address names one. */
export const QUANTIZE = new URLSearchParams(location.search).get("quantize") ?? undefined;

/** Where a source would come from; empty for what is already here. @param {any} source */
export function hostOf(source) {
  if (Array.isArray(source) && source[0]?.url) return new URL(source[0].url).host;
  if (typeof source !== "string" || source === "embedded") return "";
  if (parse(source, HUB)) return new URL(HUB).host;
  return URL.canParse(source, location.href) ? new URL(source, location.href).host : "";
}

/** @param {string} source */
export function nameOf(source) {
  const parts = source.split(/[?#]/)[0].split("/").filter(Boolean);
  return parts.at(-1)?.replace(/@\w+$/, "") ?? source;
}

/**
 * Asks the host what it lists and reads the header; nothing else of the model.
 * @param {Chosen} chosen @param {AbortSignal} signal @param {(sent: import("../protocol.js").Sent) => void} onRequest
 * @returns {Promise<Known>}
 */
export async function lookUp({ source, device, contextLength }, signal, onRequest) {
  const { small, budget } = bears();
  const memory = small ? budget : undefined;
  const [told, room] = await Promise.all([
    fit(source, { device: /** @type {any} */ (device), contextLength, quantize: QUANTIZE, memory, hub: HUB, signal, onRequest }),
    free(),
  ]);
  const { hub, card, disk } = told;
  return {
    fit: told,
    bytes: hub?.files.reduce((sum, { size = 0 }) => sum + size, 0) || disk,
    licence: card.licence ?? card.licenceName,
    variants: hub?.variants.filter(({ readable }) => readable),
    variant: hub?.variant,
    id: hub?.id,
    room,
  };
}

/** Bytes that may still be stored; `undefined` where nothing can be. */
async function free() {
  if (!navigator.storage?.getDirectory) return undefined;
  return (await disk()) ?? undefined;
}

/** Where a person reads about what is at `source`. @param {any} source */
export function pageOf(source) {
  const reference = typeof source === "string" && parse(source, HUB);
  if (reference) return `${HUB}/${reference.repo}`;
  return typeof source === "string" ? new URL(source, location.href).href : location.href;
}
