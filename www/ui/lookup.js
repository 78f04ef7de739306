// What can be known of a model before it is downloaded: asked of its host and its header, for the consent sheet.

import { fit } from "../nomoat.js";

/**
 * @typedef {object} Chosen What the user chose.
 * @property {any} source
 * @property {string} name
 * @property {string} device
 * @property {import("../models.js").Entry} [entry] Of the catalogue.
 * @property {boolean} [stored] It is here already, whole.
 * @property {boolean} [linked] A link chose it, not the user.
 * @property {number} [contextLength]
 * @property {"auto" | "never"} [store]
 *
 * @typedef {object} Known
 * @property {number} [bytes]
 * @property {string | null} [licence]
 * @property {boolean} [gated]
 * @property {{ label: string, bytes: number }[]} [variants]
 * @property {string} [variant]
 * @property {string} [id]
 * @property {string} [revision]
 * @property {number} [room] Bytes that may still be stored.
 * @property {any} [fit]
 */

/** A reference to a hub: `owner/name`, `owner/name:variant@revision`. */
export const REFERENCE = /^(?!\.)[\w.-]+\/[\w.-]+(:[^/].*|@[\w.-]+)?$/;
export const HUB = "huggingface.co";

/** Where a source would come from; empty for what is already here. @param {any} source */
export function hostOf(source) {
  if (typeof source !== "string" || source === "embedded") return "";
  if (isReference(source)) return HUB;
  try {
    return new URL(source, location.href).host;
  } catch {
    return "";
  }
}

/** @param {string} source */
export function isReference(source) {
  return REFERENCE.test(source) && !/\.(gguf|safetensors)$/i.test(source.split(/[:@]/)[0]);
}

/** @param {string} source */
export function nameOf(source) {
  const parts = source.split(/[?#]/)[0].split("/").filter(Boolean);
  return parts.at(-1)?.replace(/@\w+$/, "") ?? source;
}

/**
 * Asks the host what it lists and reads the header; nothing else of the model.
 * @param {Chosen} chosen @param {{ signal: AbortSignal, budget: number }} how @returns {Promise<Known>}
 */
export async function lookUp({ source, device, contextLength }, { signal }) {
  const [told, room] = await Promise.all([fit(source, { device, contextLength, signal }), free()]);
  return { fit: told, bytes: told.disk, licence: told.card.licence, room };
}

/** Bytes that may still be stored; `undefined` where nothing can be. */
export async function free() {
  if (!navigator.storage?.getDirectory) return undefined;
  const { quota = 0, usage = 0 } = await navigator.storage.estimate().catch(() => ({ quota: 0, usage: 0 }));
  return Math.max(0, quota - usage);
}
