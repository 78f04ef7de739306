// The licences of stored models: those that were kept with the weights, and what their repository has now. Nothing here asks
// anybody of its own accord.

import { Engine } from "./engine.js";
import { licences as listed, parse } from "./hub.js";
import { NomoatError } from "./protocol.js";
import { list } from "./store.js";
import { digest, LICENCE_BYTES } from "./store/journal.js";

/** That a text may take to come. */
const PATIENCE_MS = 30_000;

/** @typedef {import("./store.js").Stored} Stored @typedef {import("./store.js").Licence} Licence @typedef {import("./protocol.js").Sent} Sent */

/**
 * @typedef {object} Found A licence as its repository has it now.
 * @property {string} name
 * @property {string} url
 * @property {string} [sha256]
 * @property {string | null} [text] `null`: it is no text.
 * @property {string} [why] The code of what kept it from being read.
 */

/** The stored model that a source names; else one of the same repository. @param {string} source @param {string} hub @returns {Promise<Stored | undefined>} */
export async function storedOf(source, hub) {
  const all = await list();
  const repo = parse(source, hub)?.repo;
  const same = (/** @type {Stored} */ stored) => repo && originOf(stored, hub)?.repo === repo;
  return all.find((stored) => stored.source === source) ?? all.find(same);
}

/** Where a stored model comes from, if that is a repository. @param {Stored} stored @param {string} hub @returns {{ hub: string, repo: string, revision: string } | null} */
export function originOf({ source, files }, hub) {
  const [, host, repo, revision] = /^(.+)\/([^/]+\/[^/]+)\/resolve\/([0-9a-f]{40})\//.exec(files[0]?.url ?? "") ?? [];
  // an address that somebody typed is not taken for more than it is
  return host && typeof source === "string" && parse(source, hub) ? { hub: host, repo, revision } : null;
}

/** What it was called in its repository: one that came later has its revision behind it. @param {string} name */
export const nameOf = (name) => name.replace(/@[0-9a-f]{12}$/, "");

/** Bytes as a text; `null`: they are none. @param {Uint8Array} bytes */
export function textOf(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return /[\0-\x08\x0e-\x1f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

/**
 * Asks the repository what it has now, at its main revision.
 * @param {{ hub: string, repo: string }} origin @param {AbortSignal} [signal] @returns {Promise<{ revision: string, licences: Found[] }>}
 */
export async function ask({ hub, repo }, signal) {
  const { revision, licences } = await listed(repo, { hub, signal });
  return { revision, licences: await Promise.all(licences.map(({ name, url }) => bring(name, url, signal))) };
}

/** @param {string} name @param {string} url @param {AbortSignal} [signal] @returns {Promise<Found>} */
async function bring(name, url, signal) {
  const late = AbortSignal.timeout(PATIENCE_MS);
  const either = signal ? AbortSignal.any([signal, late]) : late;
  try {
    const response = await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store", signal: either });
    const reader = response.body?.getReader();
    if (!response.ok || !reader) return { name, url, why: response.status === 404 ? "not-found" : "network" };
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const pieces = [];
    for (let bytes = 0; ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
      pieces.push(value);
      if (bytes <= LICENCE_BYTES) continue;
      void reader.cancel().catch(() => {});
      return { name, url, why: "too-big" };
    }
    const all = new Uint8Array(await new Blob(pieces).arrayBuffer());
    return { name, url, sha256: await digest(all), text: textOf(all) };
  } catch (error) {
    if (signal?.aborted) throw new NomoatError("aborted", "stopped by the caller", error);
    return { name, url, why: "network" };
  }
}

/**
 * Keeps licences beside those that are there: none takes the place of another.
 * @param {Stored} stored @param {{ revision: string, licences: Found[] }} found @param {(sent: Sent) => void} [onRequest]
 */
export async function keep({ key, files, licences }, { revision, licences: all }, onRequest) {
  const had = (/** @type {string} */ name) => licences.some((one) => one.name === name);
  const wanted = all.map(({ name, url, sha256 }) => ({ name: had(name) ? `${name}@${revision.slice(0, 12)}` : name, url, sha256 }));
  const engine = new Engine();
  engine.onRequest = onRequest;
  try {
    await engine.start(false, false);
    await engine.send({ type: "fetch", asked: { source: files, key, licences: wanted, beside: true } });
  } finally {
    await engine.close();
  }
}
