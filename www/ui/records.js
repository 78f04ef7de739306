// Conversations on this device, in IndexedDB; in memory where the browser refuses that. Other tabs hear of changes.

import { empty, merged, path, title } from "./tree.js";

/** @typedef {import("./tree.js").Talk} Talk */

const NAME = "nomoat-history";
const STORE = "talks";

/** Where there is no database, or no room in it. @type {Map<string, Talk>} */
const memory = new Map();
/** @type {Promise<IDBDatabase | null> | undefined} */
let opening;
const channel = globalThis.BroadcastChannel ? new BroadcastChannel(NAME) : null;

/** @returns {Promise<IDBDatabase | null>} */
function database() {
  opening ??= new Promise((resolve) => {
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" }).createIndex("updated", "updated");
      request.onsuccess = () => {
        request.result.onversionchange = () => request.result.close();
        request.result.onclose = () => (opening = undefined);
        resolve(request.result);
      };
      request.onerror = request.onblocked = () => resolve(null);
    } catch {
      resolve(null); // forbidden here
    }
  });
  return opening;
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
const settled = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });

/** Whether all that is saved outlives the page. */
export const lasting = async () => Boolean(await database()) && !memory.size;

/**
 * Keeps a conversation; what another tab added to it stays. One without anything in it is not kept.
 * @param {Talk} talk @returns {Promise<boolean>} Whether it is on the disk.
 */
export async function put(talk) {
  if (empty(talk)) return true;
  const db = await database();
  let kept = false;
  try {
    if (!db) throw new Error("no database");
    const transaction = db.transaction(STORE, "readwrite");
    const store = transaction.objectStore(STORE);
    const ended = settled(transaction);
    const old = await done(store.get(talk.id));
    store.put(old ? merged(old, talk) : talk);
    await ended;
    memory.delete(talk.id);
    kept = true;
  } catch {
    memory.set(talk.id, structuredClone(talk)); // no room, or no database
  }
  channel?.postMessage({ changed: talk.id });
  return kept;
}

/** @param {string} id @returns {Promise<Talk | undefined>} */
export async function get(id) {
  const db = await database();
  const found = memory.get(id) ?? (db && (await done(db.transaction(STORE).objectStore(STORE).get(id))));
  return found ? structuredClone(found) : undefined;
}

/** All of them, the latest first. @returns {Promise<Talk[]>} */
export async function all() {
  const db = await database();
  /** @type {Talk[]} */
  const kept = db ? await done(db.transaction(STORE).objectStore(STORE).getAll()) : [];
  const found = new Map([...kept.map((talk) => /** @type {[string, Talk]} */ ([talk.id, talk])), ...memory]);
  return [...found.values()].sort((a, b) => b.updated - a.updated);
}

/** @typedef {{ id: string, kind: "chat" | "text", title: string, updated: number, turns: number, found: string }} Entry */

/** Conversations with all the words of `query`, and around the first of them. @param {string} query @returns {Promise<Entry[]>} */
export async function search(query) {
  const words = plain(query).split(/\s+/).filter(Boolean);
  /** @type {Entry[]} */
  const entries = [];
  for (const talk of await all()) {
    const texts = [title(talk), talk.text, ...talk.turns.map(({ content }) => content)];
    const folded = words.length ? texts.map(plain) : [];
    if (!words.every((word) => folded.some((text) => text.includes(word)))) continue;
    entries.push({ id: talk.id, kind: talk.kind, title: title(talk), updated: talk.updated, turns: path(talk).length, found: around(texts.slice(1), words[0]) });
  }
  return entries;
}

/** @param {string} text */
const plain = (text) => text.normalize("NFKC").toLowerCase();

/** @param {string[]} texts @param {string | undefined} word */
function around(texts, word) {
  if (!word) return "";
  for (const text of texts) {
    const at = plain(text).indexOf(word);
    if (at < 0) continue;
    const from = Math.max(0, at - 32);
    return `${from ? "…" : ""}${text.slice(from, at + 64).replace(/\s+/g, " ").trim()}${text.length > at + 64 ? "…" : ""}`;
  }
  return "";
}

/** @param {string} id */
export async function remove(id) {
  memory.delete(id);
  const db = await database();
  if (db) {
    const transaction = db.transaction(STORE, "readwrite");
    transaction.objectStore(STORE).delete(id);
    await settled(transaction);
  }
  channel?.postMessage({ gone: id });
}

/** Deletes every one. */
export async function clear() {
  for (const { id } of await all()) await remove(id);
}

/** Calls `hear` with what other tabs changed, or this one `too`. @param {(news: { changed?: string, gone?: string }) => void} hear @param {boolean} [too] */
export function listen(hear, too) {
  // a channel does not hear itself, but another one of the same page
  const from = too && channel ? new BroadcastChannel(NAME) : channel;
  from?.addEventListener("message", ({ data }) => hear(data));
}
