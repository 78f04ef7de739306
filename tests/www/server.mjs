// A loopback server of static files for the page and its tests, with the faults that real hosts have.
//
//   node tests/www/server.mjs --root www [--port 0] [--mount /shared=../shared]…
//
// Faults, by query: ?fault=no-range | truncate | 403 | 404 | 401 | 500 | flaky | slow | wrong-length | changing | page | no-cors.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
  ".jinja": "text/plain; charset=utf-8",
};

// What a host should send with the page; the page says the same in a meta element.
export const CSP = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self' https: http://127.0.0.1:* http://localhost:*",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/**
 * @typedef {object} Settings
 * @property {string} root The folder at `/`.
 * @property {number} [port] 0 picks one.
 * @property {Record<string, string>} [mounts] Folders by path prefix.
 * @property {boolean} [cors] Whether other origins may read.
 * @property {string} [policy] The content security policy of its pages; none if empty.
 * @property {(line: string) => void} [log] Gets a line a request.
 * @property {import("./faults.mjs").Depot} [depot] Answers first.
 */

/**
 * Starts a server.
 * @param {Settings} settings
 * @returns {Promise<{ url: string, requests: string[], close: () => Promise<void> }>}
 */
export async function serve({ root, port = 0, mounts = {}, cors = false, policy = CSP, log, depot }) {
  /** Requests since the start, as `GET /path bytes=…`. @type {string[]} */
  const requests = [];
  /** How often each faulty address was asked for. @type {Map<string, number>} */
  const asked = new Map();
  const prefixes = Object.keys(mounts).sort((a, b) => b.length - a.length);

  const server = createServer(async (request, response) => {
    if (depot?.answer(request, response)) return;
    const url = new URL(request.url ?? "/", "http://localhost");
    const fault = url.searchParams.get("fault") ?? "";
    const line = `${request.method} ${url.pathname}${url.search} ${request.headers.range ?? ""}`.trim();
    requests.push(line);
    log?.(line);
    response.setHeader("Cache-Control", "no-store");
    response.setHeader("X-Content-Type-Options", "nosniff");
    if (cors && fault !== "no-cors") {
      response.setHeader("Access-Control-Allow-Origin", "*");
      response.setHeader("Access-Control-Expose-Headers", "Content-Range, ETag");
    }
    try {
      const time = bump(asked, url.pathname + url.search);
      if (/^\d{3}$/.test(fault)) return refuse(response, Number(fault));
      if (fault === "flaky" && time % 3 !== 0) return refuse(response, 503);
      if (fault === "page") {
        response.setHeader("Content-Type", "text/html");
        return void response.end("<!doctype html><title>start page</title>");
      }
      const file = locate(url.pathname);
      if (!file) return refuse(response, 404);
      const { size, mtimeMs } = await stat(file);
      await answer(request, response, { file, size, fault, time, etag: `"${size}-${mtimeMs}"`, policy });
    } catch (error) {
      const missing = error instanceof Error && "code" in error && ["ENOENT", "ENOTDIR", "EISDIR"].includes(String(error.code));
      if (response.headersSent) response.destroy();
      else refuse(response, missing ? 404 : 500);
    }
  });

  /** @param {string} pathname */
  function locate(pathname) {
    const decoded = decodeURIComponent(pathname);
    if (decoded.includes("\0") || decoded.split("/").includes("..")) return null;
    const prefix = prefixes.find((at) => decoded.startsWith(`${at}/`));
    const file = prefix ? path.join(mounts[prefix], decoded.slice(prefix.length)) : path.join(root, decoded);
    return decoded.endsWith("/") ? path.join(file, "index.html") : file;
  }

  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(undefined));
  });
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}/`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined));
        server.closeAllConnections();
      }),
  };
}

/** @param {Map<string, number>} counts @param {string} key */
function bump(counts, key) {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

/** @param {import("node:http").ServerResponse} response @param {number} status */
function refuse(response, status) {
  response.writeHead(status, { "Content-Type": "text/plain" }).end(String(status));
}

/**
 * @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response
 * @param {{ file: string, size: number, fault: string, time: number, etag: string, policy: string }} what
 */
async function answer(request, response, { file, size, fault, time, etag, policy }) {
  const type = /** @type {Record<string, string>} */ (TYPES)[path.extname(file)] ?? "application/octet-stream";
  response.setHeader("Content-Type", type);
  // the examples are other people's pages and bring their own
  if (policy && type.startsWith("text/html") && !file.includes(`${path.sep}docs${path.sep}`)) response.setHeader("Content-Security-Policy", policy);
  response.setHeader("ETag", fault === "changing" ? `"${time}"` : etag);
  let [start, end, status] = [0, size - 1, 200];
  if (fault !== "no-range") {
    response.setHeader("Accept-Ranges", "bytes");
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    if (range) {
      start = Number(range[1]);
      end = Math.min(range[2] ? Number(range[2]) : size - 1, size - 1);
      if (start >= size || start > end) {
        response.setHeader("Content-Range", `bytes */${size}`);
        return refuse(response, 416);
      }
      status = 206;
      response.setHeader("Content-Range", `bytes ${start}-${end}/${fault === "wrong-length" ? size + 1000 : size}`);
    }
  }
  const length = Math.max(0, end - start + 1);
  response.setHeader("Content-Length", length);
  response.writeHead(status);
  if (request.method === "HEAD" || length === 0) return void response.end();
  // the first answers at an address break off half-way
  const most = fault === "truncate" && time <= 2 ? Math.floor(length / 2) : length;
  let sent = 0;
  for await (const piece of createReadStream(file, { start, end, highWaterMark: 1 << 18 })) {
    if (response.destroyed) return;
    const part = piece.subarray(0, most - sent);
    sent += part.length;
    if (!response.write(part)) await drained(response);
    if (sent >= most && most < length) {
      // what was written reaches the other side before the connection breaks
      await new Promise((resolve) => setTimeout(resolve, 50));
      return void response.destroy();
    }
    if (fault === "slow") await new Promise((resolve) => setTimeout(resolve, 100));
  }
  response.end();
}

/** Until there is room to write again, or nobody to read it. @param {import("node:http").ServerResponse} response */
export function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve(undefined);
    };
    response.on("drain", done).on("close", done);
  });
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      root: { type: "string", default: "www" },
      port: { type: "string", default: "0" },
      mount: { type: "string", multiple: true, default: [] },
    },
  });
  const mounts = Object.fromEntries(values.mount.map((mount) => mount.split("=")));
  const { url } = await serve({ root: values.root, port: Number(values.port), mounts });
  console.log(url);
}
