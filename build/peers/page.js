// Two runtimes with the same model in one page, run in turn; build/peers.mjs calls it step by step.

import { nomoat, peerOf } from "./runtimes.js";

/** @typedef {import("./runtimes.js").Run} Run @typedef {import("./runtimes.js").Runtime} Runtime @typedef {import("./runtimes.js").Wanted} Wanted */
/** @typedef {{ nomoat: Run, peer: Run, same: number, of: number }} Pair `same`: so many tokens from the first on. */
/** @typedef {Awaited<ReturnType<typeof nomoat>>} Ours */

/** @type {Ours} */
let ours;
/** @type {Runtime} */
let theirs;
/** Prompts so far. */
let prompts = 0;

/** Loads both. @param {Wanted & { isolated: boolean }} wanted */
export async function open(wanted) {
  if (crossOriginIsolated !== wanted.isolated) throw new Error(`the page is ${crossOriginIsolated ? "" : "not "}isolated`);
  const address = `/models/${wanted.shape}/${wanted.shape}-${wanted.format}.gguf`;
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  const file = await response.blob();
  ours = await nomoat(file, wanted);
  if (ours.about.device !== wanted.device) throw new Error(`nomoat runs on the ${ours.about.device}`);
  theirs = await peerOf(file, wanted);
  return { nomoat: ours.about, peer: theirs.about };
}

/** Letters, the first of which is another each time, so that nothing is read again. @param {number} length */
function prompt(length) {
  const from = 5 * prompts++;
  return Array.from({ length }, (_, i) => String.fromCharCode(97 + ((from + 7 * i + (i >> 3)) % 26))).join("");
}

/** @param {Runtime} runtime @param {string} text @param {number} tokens @returns {Promise<Run>} */
async function ran(runtime, text, tokens) {
  const run = await runtime.run(text, tokens);
  const name = runtime === ours ? "nomoat" : "the peer";
  if (run.promptTokens !== text.length) throw new Error(`${name} read ${run.promptTokens} tokens, not ${text.length}`);
  if (run.tokens !== tokens) throw new Error(`${name} wrote ${run.tokens} tokens, not ${tokens}`);
  return run;
}

/** Readies one of them for prompts of a length. @param {{ ours: boolean, length: number, tokens: number }} what */
export async function warm({ ours: mine, length, tokens }) {
  const { firstMs } = await ran(mine ? ours : theirs, prompt(length), tokens);
  return firstMs;
}

/** One run of each. @param {{ length: number, tokens: { nomoat: number, peer: number }, peerFirst: boolean }} what @returns {Promise<Pair>} */
export async function pair({ length, tokens, peerFirst }) {
  const text = prompt(length);
  const before = peerFirst ? await ran(theirs, text, tokens.peer) : undefined;
  const nomoat = await ran(ours, text, tokens.nomoat);
  const peer = before ?? (await ran(theirs, text, tokens.peer));
  return { nomoat, peer, same: await alike(nomoat.ids ?? [], peer), of: Math.min(tokens.nomoat, tokens.peer) };
}

/** How many tokens agree before the first that differs. @param {number[]} ids @param {Run} peer */
async function alike(ids, { ids: want, text = "", tokens }) {
  const own = ids.slice(0, tokens);
  const differs = want ? own.findIndex((id, i) => id !== want[i]) : firstOther(await ours.pieces(own), text);
  return differs < 0 ? own.length : differs;
}

/** @param {string[]} pieces @param {string} text */
function firstOther(pieces, text) {
  let at = 0;
  return pieces.findIndex((piece) => {
    const other = !text.startsWith(piece, at);
    at += piece.length;
    return other;
  });
}

/** Both give their memory back. */
export async function close() {
  await theirs?.close();
  await ours?.close();
}
