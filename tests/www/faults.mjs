// A host whose files and faults a test writes: it answers at /depot/, on both of the tests' origins.

import { drained } from "./server.mjs";

/** @typedef {import("node:http").IncomingMessage} Request @typedef {import("node:http").ServerResponse} Response */

/**
 * @typedef {object} File
 * @property {Buffer} bytes
 * @property {string} [etag]
 * @property {string} [modified]
 * @property {string} [type]
 *
 * @typedef {object} Fault What is odd about one answer.
 * @property {number} [status] Nothing but this.
 * @property {boolean} [whole] No ranges: always 200 and all of it.
 * @property {number} [cut] The connection breaks after so many bytes.
 * @property {number} [hold] Nothing more comes after so many bytes.
 * @property {number} [flip] The bit at this offset of the file is another.
 * @property {boolean} [page] A web page instead.
 * @property {boolean} [deaf] No permission for other origins.
 * @property {string} [to] Sent on to there.
 * @property {number} [rate] Bytes a second.
 *
 * @typedef {object} Seen A request.
 * @property {string} path
 * @property {string} query
 * @property {number | null} from
 * @property {number | null} to
 * @property {string | null} condition Its `If-Range`.
 * @property {boolean} head Asked for no bytes.
 * @property {number} sent Bytes that were given to the connection.
 */

/** @typedef {ReturnType<typeof depot>} Depot */

export function depot() {
  /** @type {Map<string, File>} */
  const files = new Map();
  /** @type {Seen[]} */
  const seen = [];
  /** @type {(request: Seen, number: number) => Fault | void} */
  let script = () => {};
  /** @type {Set<Response>} */
  const open = new Set();

  return {
    files,
    seen,
    /** Clears what was, and plays this from now on: `number` counts the requests from 0. @param {typeof script} [next] */
    play(next = () => {}) {
      script = next;
      seen.length = 0;
    },
    /** Breaks all connections. */
    sever() {
      for (const response of open) response.destroy();
    },
    /** @param {Request} request @param {Response} response @returns {boolean} Whether the address is one of these. */
    answer(request, response) {
      const url = new URL(request.url ?? "/", "http://localhost");
      if (!url.pathname.startsWith("/depot/")) return false;
      const path = plainly(url.pathname.slice("/depot/".length));
      const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
      const from = range ? Number(range[1]) : null;
      const to = range?.[2] ? Number(range[2]) : null;
      const condition = request.headers["if-range"] ?? null;
      const one = { path, query: url.search, from, to, condition: condition && String(condition), head: request.method === "HEAD", sent: 0 };
      seen.push(one);
      const fault = script(one, seen.length - 1) ?? {};
      open.add(response.on("close", () => open.delete(response)));
      void reply(response, files.get(path), one, fault);
      return true;
    },
  };
}

/** @param {string} part */
function plainly(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {Response} response @param {File | undefined} file @param {Seen} seen @param {Fault} fault */
async function reply(response, file, seen, fault) {
  if (!fault.deaf) {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Expose-Headers", "Content-Range, ETag");
  }
  response.setHeader("Cache-Control", "no-store");
  if (fault.to) return void response.writeHead(302, { Location: fault.to }).end();
  if (fault.status) return void response.writeHead(fault.status).end(String(fault.status));
  if (fault.page) return void response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>Welcome</title>");
  if (!file) return void response.writeHead(404).end("404");
  const size = file.bytes.length;
  if (file.etag) response.setHeader("ETag", file.etag);
  if (file.modified) response.setHeader("Last-Modified", file.modified);
  response.setHeader("Content-Type", file.type ?? "application/octet-stream");
  const other = seen.condition !== null && seen.condition !== file.etag;
  let [start, stop] = [0, size];
  if (seen.from !== null && !fault.whole && !other) {
    start = seen.from;
    if (start >= size) return void response.writeHead(416, { "Content-Range": `bytes */${size}` }).end();
    if (seen.to !== null) stop = Math.min(seen.to + 1, size);
    response.setHeader("Content-Range", `bytes ${start}-${stop - 1}/${size}`);
    response.statusCode = 206;
  }
  response.setHeader("Content-Length", stop - start);
  if (seen.head) return void response.end();
  const bytes = Buffer.from(file.bytes.subarray(start, stop));
  if (fault.flip !== undefined && fault.flip >= start) bytes[fault.flip - start] ^= 1;
  const step = fault.rate ? Math.max(1, Math.floor(fault.rate / 100)) : 1 << 16;
  const end = Math.min(fault.cut ?? Infinity, fault.hold ?? Infinity, bytes.length);
  response.flushHeaders();
  while (seen.sent < end && !response.destroyed) {
    const piece = bytes.subarray(seen.sent, Math.min(seen.sent + step, end));
    const room = response.write(piece);
    seen.sent += piece.length;
    if (fault.rate) await new Promise((resolve) => setTimeout(resolve, 10));
    else if (!room) await drained(response);
  }
  if (fault.hold !== undefined && end < bytes.length) return;
  if (fault.cut !== undefined && end < bytes.length) {
    // what was written reaches the other side before the connection breaks
    await new Promise((resolve) => setTimeout(resolve, 30));
    return void response.destroy();
  }
  response.end();
}
