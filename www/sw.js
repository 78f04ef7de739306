// The service worker: keeps the page's own files, each by its hash, so that the page opens without a network. Models never
// pass through it. A new version waits here until the page says that no answer is running.

/** @type {any} The types at hand are those of a page. */
const worker = self;
worker.importScripts("pkg/shell.js");

/** SHA-256 in hex, by path from this folder. @type {Record<string, string>} */
const FILES = worker.nomoatShell;
/** Version of the ledger, whose files are kept when they were asked for. @type {string} */
const LEDGER = worker.nomoatLedger;
const HERE = new URL("./", location.href);
/** Of this folder: there may be another nomoat at this origin. */
const CACHE = `nomoat ${HERE.pathname}`;

/** Where a file is kept: a changed file is another one. @param {string} path */
const keyOf = (path) => `${HERE}${path}?${Object.hasOwn(FILES, path) ? `sha256=${FILES[path]}` : `ledger=${LEDGER}`}`;

/** The file to keep that is meant, whatever the query. @param {string} address @returns {string | undefined} */
function pathOf(address) {
  const { origin, pathname } = new URL(address);
  if (origin !== HERE.origin || !pathname.startsWith(HERE.pathname)) return;
  const path = pathname.slice(HERE.pathname.length) || "index.html";
  return Object.hasOwn(FILES, path) || (LEDGER && /^ledger\/[\w.-]+\.json$/.test(path)) ? path : undefined;
}

/** Fetches what is not kept yet: of a new version only what has changed, of a broken-off one only what is missing. */
async function keep() {
  const cache = await caches.open(CACHE);
  const kept = new Set((await cache.keys()).map(({ url }) => url));
  const missing = Object.keys(FILES).filter((path) => !kept.has(keyOf(path)));
  await Promise.all(missing.map(async (path) => cache.put(keyOf(path), await genuine(path))));
}

/** A file as it was built: half of one version and half of another are never kept. @param {string} path */
async function genuine(path) {
  // some hosts answer index.html with a redirect to its folder, which a page cannot be opened from
  const address = new URL(path === "index.html" ? "./" : path, HERE);
  for (const mode of /** @type {RequestCache[]} */ (["default", "reload"])) {
    const response = await fetch(address, { cache: mode });
    const bytes = await response.arrayBuffer();
    await tell({ url: address.href, bytes: bytes.byteLength, status: response.status });
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (!response.ok || hash !== FILES[path]) continue;
    const headers = new Headers(response.headers);
    // they were true of the way here
    for (const name of ["content-encoding", "content-length"]) headers.delete(name);
    return new Response(bytes, { headers });
  }
  throw new Error(`${address} is not the file that was built: the page cannot be kept for use without a network`);
}

/** The page lists every request, so it hears of those that are made here. @param {{ url: string, bytes: number, status?: number }} sent */
async function tell(sent) {
  const pages = await worker.clients.matchAll({ includeUncontrolled: true, type: "window" });
  const mine = pages.filter((/** @type {{ url: string }} */ { url }) => url.startsWith(HERE.href));
  for (const page of mine) page.postMessage({ sent: { ...sent, at: Date.now(), requests: 1 } });
}

/** Lets go of what earlier versions had. */
async function tidy() {
  const cache = await caches.open(CACHE);
  const mine = new Set(Object.keys(FILES).map(keyOf));
  for (const request of await cache.keys()) if (!mine.has(request.url) && !request.url.endsWith(`?ledger=${LEDGER}`)) await cache.delete(request);
}

/** @param {string} path @param {Request} request */
async function answer(path, request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(keyOf(path));
  if (kept) return kept;
  const own = Object.hasOwn(FILES, path);
  // what has no hash here must at least be what the host has now
  const response = await fetch(request, own ? {} : { cache: "no-cache" });
  if (!own && response.ok) await later(cache, path, response.clone());
  return response;
}

/** Keeps a file of the ledger. What is none, or finds no room, has gone to the page and is not kept. @param {Cache} cache @param {string} path @param {Response} response */
async function later(cache, path, response) {
  try {
    await response.clone().json();
    await cache.put(keyOf(path), response);
  } catch {
    // it is asked for again
  }
}

worker.addEventListener("install", (/** @type {any} */ event) => {
  // these two came before anything here could run
  for (const path of ["sw.js", "pkg/shell.js"]) void tell({ url: new URL(path, HERE).href, bytes: 0 });
  event.waitUntil(keep());
});
// the page that is open already can then start its worker without a network, too
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(tidy().then(() => worker.clients.claim())));
worker.addEventListener("message", (/** @type {MessageEvent} */ { data }) => {
  if (data === "take over") worker.skipWaiting();
});
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const path = event.request.method === "GET" && pathOf(event.request.url);
  if (path) event.respondWith(answer(path, event.request));
});
