// A conversation as data: turns that know what they follow, so that every earlier version stays. No DOM, no storage.

/**
 * @typedef {object} By What made an answer.
 * @property {string} name
 * @property {string} sha256
 * @property {string} device `gpu` or `cpu`.
 *
 * @typedef {{ tokens: number, rate: number, first: number }} Figures
 *
 * @typedef {object} Turn
 * @property {string} id
 * @property {string | null} parent What it follows.
 * @property {"user" | "assistant"} role
 * @property {string} content
 * @property {number} at When, in milliseconds.
 * @property {By} [by]
 * @property {string} [reason] Why the answer ended; absent while it is written.
 * @property {Figures} [figures]
 *
 * @typedef {object} Talk A conversation, or a text that a model goes on with.
 * @property {string} id
 * @property {"chat" | "text"} kind
 * @property {string} title Empty: its first words.
 * @property {number} created
 * @property {number} updated
 * @property {string} system
 * @property {Turn[]} turns
 * @property {string[]} dropped Turns that were taken away, so that no other tab brings them back.
 * @property {string | null} leaf Where the version that is shown ends.
 * @property {string} text Of the kind `text`.
 * @property {Turn | null} made Of the kind `text`: what went on with it last.
 */

/** A name that no other has. */
export const unique = () => Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @param {"chat" | "text"} kind @param {string} [system] @returns {Talk} */
export function fresh(kind, system = "") {
  const now = Date.now();
  return { id: unique(), kind, title: "", created: now, updated: now, system, turns: [], dropped: [], leaf: null, text: "", made: null };
}

/** The turns of the version that is shown, from the first. @param {Talk} talk */
export function path(talk) {
  const all = new Map(talk.turns.map((turn) => [turn.id, turn]));
  /** @type {Turn[]} */
  const turns = [];
  for (let turn = all.get(talk.leaf ?? ""); turn && turns.length <= all.size; turn = all.get(turn.parent ?? "")) turns.unshift(turn);
  return turns;
}

/** A turn and those that stand in its place in other versions, the oldest first. @param {Talk} talk @param {Turn} turn */
export function versions(talk, turn) {
  return talk.turns.filter(({ parent }) => parent === turn.parent).sort((a, b) => a.at - b.at);
}

/** Puts a turn after `parent` and shows it. @param {Talk} talk @param {string | null} parent @param {"user" | "assistant"} role @param {string} content @returns {Turn} */
export function add(talk, parent, role, content) {
  const turn = { id: unique(), parent, role, content, at: Date.now() };
  // two within a millisecond keep their order
  for (const other of talk.turns) if (other.at >= turn.at) turn.at = other.at + 1;
  talk.turns.push(turn);
  talk.leaf = turn.id;
  talk.updated = turn.at;
  return turn;
}

/** Shows the version with this turn, to where it went last. @param {Talk} talk @param {string} id */
export function show(talk, id) {
  talk.leaf = id;
  for (let steps = 0; steps <= talk.turns.length; steps++) {
    const next = talk.turns.filter(({ parent }) => parent === talk.leaf).sort((a, b) => b.at - a.at)[0];
    if (!next) return;
    talk.leaf = next.id;
  }
}

/** Takes a turn with nothing after it away. @param {Talk} talk @param {Turn} turn */
export function drop(talk, turn) {
  const others = versions(talk, turn).filter(({ id }) => id !== turn.id);
  talk.turns = talk.turns.filter(({ id }) => id !== turn.id);
  talk.dropped.push(turn.id);
  const last = others.at(-1);
  if (last) show(talk, last.id);
  else talk.leaf = turn.parent;
}

/** Its name, or its first words. @param {Talk} talk */
export function title(talk) {
  const said = talk.kind === "text" ? talk.text : (path(talk)[0]?.content ?? "");
  const words = talk.title || said.trim().replace(/\s+/g, " ");
  const points = [...words];
  if (talk.title || points.length <= 48) return words;
  const cut = points.slice(0, 48).join("");
  // between words, where there are spaces
  const space = cut.lastIndexOf(" ");
  return `${space > 24 ? cut.slice(0, space) : cut}…`;
}

/** Whether there is anything to keep. @param {Talk} talk */
export const empty = (talk) => !talk.turns.length && !talk.text.trim();

/** One conversation out of two states of it, as two tabs may leave them: all turns of both, the rest of the newer. @param {Talk} old @param {Talk} now @returns {Talk} */
export function merged(old, now) {
  const newer = now.updated >= old.updated ? now : old;
  const turns = new Map(old.turns.map((turn) => [turn.id, turn]));
  for (const turn of now.turns) {
    const other = turns.get(turn.id);
    if (!other || turn.content.length >= other.content.length) turns.set(turn.id, turn);
  }
  const dropped = [...new Set([...old.dropped, ...now.dropped])];
  for (const id of dropped) turns.delete(id);
  return { ...newer, turns: [...turns.values()], dropped, created: Math.min(old.created, now.created) };
}
