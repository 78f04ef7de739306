// Conversations as files: all of them as JSON, to read in again; one as Markdown, to read anywhere.

import { NomoatError } from "../protocol.js";
import { path, title } from "./tree.js";

/** @typedef {import("./tree.js").Talk} Talk @typedef {import("./tree.js").Turn} Turn */

const FORMAT = "nomoat-history";

/** @param {Talk[]} talks */
export const toJson = (talks) => JSON.stringify({ format: FORMAT, version: 1, exported: new Date().toISOString(), talks }, null, 1);

/** The version that is shown. @param {Talk} talk @param {{ you: string, model: string, made: (turn: Turn) => string }} words */
export function toMarkdown(talk, { you, model, made }) {
  const parts = [`# ${title(talk).replace(/\s+/g, " ")}`];
  if (talk.system) parts.push(talk.system.replace(/^/gm, "> "));
  for (const turn of path(talk)) {
    parts.push(`## ${turn.role === "user" ? you : model}`, turn.content.trim());
    if (turn.role === "assistant") parts.push(`*${made(turn)}*`);
  }
  if (talk.kind === "text") parts.push(talk.text.trim());
  if (talk.made) parts.push(`*${made(talk.made)}*`);
  return `${parts.join("\n\n")}\n`;
}

/**
 * Reads what `toJson` wrote. The file is a stranger's: only what is known is taken, and only in the shape that it must have.
 * @param {string} text @returns {Talk[]}
 */
export function fromJson(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new NomoatError("bad-file", "this is no file of conversations: it is not JSON", cause);
  }
  if (data?.format !== FORMAT || data.version !== 1 || !Array.isArray(data.talks)) {
    throw new NomoatError("bad-file", `this is no file of conversations: expected the format ${FORMAT}, version 1`);
  }
  return data.talks.map(talkOf);
}

/** @param {any} given @param {number} at @returns {Talk} */
function talkOf(given, at) {
  if (!isName(given?.id) || !Array.isArray(given.turns)) throw new NomoatError("bad-file", `conversation ${at + 1} of the file lacks its id or its turns`);
  const seen = new Set();
  const turns = given.turns.map((/** @type {any} */ one) => {
    const turn = turnOf(one);
    // a turn follows one before it, so that there is no circle
    if (!turn || seen.has(turn.id) || (turn.parent !== null && !seen.has(turn.parent))) {
      throw new NomoatError("bad-file", `conversation ${at + 1} of the file has a turn that is broken`);
    }
    seen.add(turn.id);
    return turn;
  });
  return {
    id: given.id,
    kind: given.kind === "text" ? "text" : "chat",
    title: words(given.title).slice(0, 200),
    created: moment(given.created),
    updated: moment(given.updated),
    system: words(given.system),
    turns,
    dropped: [],
    leaf: seen.has(given.leaf) ? given.leaf : (turns.at(-1)?.id ?? null),
    text: words(given.text),
    made: given.made ? turnOf({ ...given.made, parent: null }) : null,
  };
}

/** @param {any} given @returns {Turn | null} */
function turnOf(given) {
  const { id, parent, role, content, at, by, reason, figures } = given ?? {};
  if (!isName(id) || !(parent === null || isName(parent)) || typeof content !== "string") return null;
  if (role !== "user" && role !== "assistant") return null;
  /** @type {Turn} */
  const turn = { id, parent, role, content, at: moment(at) };
  if (by) turn.by = { name: words(by.name), sha256: words(by.sha256), device: words(by.device) };
  if (typeof reason === "string") turn.reason = reason;
  if (figures) turn.figures = { tokens: amount(figures.tokens), rate: amount(figures.rate), first: amount(figures.first) };
  return turn;
}

/** @param {unknown} value @returns {value is string} */
const isName = (value) => typeof value === "string" && /^[\w-]{1,64}$/.test(value);
/** @param {unknown} value */
const words = (value) => (typeof value === "string" ? value : "");
/** @param {unknown} value */
const amount = (value) => (typeof value === "number" && Number.isFinite(value) ? value : 0);
/** @param {unknown} value */
const moment = (value) => Math.min(Math.max(0, Math.trunc(amount(value))), Date.now());
