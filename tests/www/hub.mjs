// A loopback model hub with the public layout: listings over an API, files behind signed addresses that expire.
//
// Faults, by the name of the repository's owner: gated | private | unknown | down | busy | mute (busy, and says it
// to no other origin) | reset (breaks the connection at first) | torn (breaks each answer off) | page | html | deaf (no CORS).

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

/**
 * @typedef {object} Blob A file: whole, or a beginning that zeros follow.
 * @property {Buffer} bytes
 * @property {number} [size]
 * @property {boolean} [small] Kept in the repository itself, so that no hash of it is listed.
 * @property {number} [status] Nothing but this is answered.
 * @property {number} [hold] Nothing more comes after so many bytes.
 *
 * @typedef {object} Repository
 * @property {Record<string, Blob>} files
 * @property {object} [info] More of what the API says of it.
 * @property {string} [commit] That its branches are at, if another than at first.
 */

/** Requests that a signed address is good for. */
const USES = 1;
/** Bytes of metadata that fill more than a window; with its key and lengths they leave the alignment as it is. */
const FILLING = (6 << 20) + 24;
/** Files a page of a listing. */
const PAGE = 5;

/** @param {string} file @returns {Blob} */
export const onDisk = (file) => ({ bytes: readFileSync(file) });
/** @param {number} size A file of which only its size matters. @returns {Blob} */
export const hollow = (size) => ({ bytes: Buffer.alloc(0), size });

/** @param {string} repo The commit that all branches of it are at. */
export const commitOf = (repo) => createHash("sha1").update(repo).digest("hex");
/** @param {Blob} blob */
export const hashOf = ({ bytes, size }) => createHash("sha256").update(size === undefined ? bytes : String(size)).digest("hex");

/** @param {Record<string, Repository>} repos By `owner/name`. */
export async function serveHub(repos) {
  /** Requests since the start. @type {string[]} */
  const requests = [];
  /** Uses left, by signature. @type {Map<string, number>} */
  const signed = new Map();
  let sent = 0;
  let [busy, mute, reset] = [0, 0, 0];

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    requests.push(`${request.method} ${url.pathname}${url.search} ${request.headers.range ?? ""}`.trim());
    const path = decodeURIComponent(url.pathname).slice(1);
    const [, repo = ""] = /^(?:api\/models\/)?([^/]+\/[^/]+)/.exec(path) ?? [];
    const fault = repo.split("/")[0];
    const { files, info, commit = commitOf(repo) } = repos[repo] ?? {};
    response.setHeader("Cache-Control", "no-store");
    if (fault !== "deaf") {
      response.setHeader("Access-Control-Allow-Origin", "*");
      response.setHeader("Access-Control-Expose-Headers", "X-Error-Code, Link, ETag, Content-Range, Retry-After");
    }
    const refuse = (/** @type {number} */ status, /** @type {Record<string, string>} */ headers = {}) => response.writeHead(status, headers).end(String(status));
    const json = (/** @type {any} */ body, /** @type {Record<string, string>} */ headers = {}) =>
      response.writeHead(200, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));

    if (path.startsWith("cdn/")) return serveSigned(url.searchParams.get("signature") ?? "");
    if (fault === "private") return refuse(401);
    if (fault === "unknown") return refuse(401, { "X-Error-Code": "RepoNotFound" });
    if (fault === "down") return refuse(503);
    if (fault === "busy" && ++busy < 3) return refuse(429, { "Retry-After": "0.05" });
    if (fault === "mute" && ++mute < 3) {
      response.removeHeader("Access-Control-Allow-Origin");
      return refuse(503);
    }
    if (fault === "reset" && ++reset < 3) return void request.socket.resetAndDestroy();
    if (fault === "torn") {
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": 1000 }).write('{"id":');
      return void setTimeout(() => request.socket.resetAndDestroy(), 30);
    }
    if (fault === "page") return response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html>");
    if (fault === "html") return json({ id: repo });
    if (!files) return refuse(404);
    const [, revision] = /\/(?:revision|tree|resolve)\/([^/]+)/.exec(path) ?? [];
    if (revision && !["main", "v1", commit].includes(revision)) return refuse(404, { "X-Error-Code": "RevisionNotFound" });
    if (path.startsWith("api/models/")) {
      if (!path.includes("/tree/")) return json({ id: repo, sha: commit, gated: fault === "gated" ? "manual" : false, ...info });
      const start = Number(url.searchParams.get("cursor") ?? 0);
      const names = Object.keys(files);
      const next = new URL(url);
      next.host = request.headers.host ?? "";
      next.searchParams.set("cursor", String(start + PAGE));
      const page = names.slice(start, start + PAGE).map((name) => {
        const blob = files[name];
        const size = blob.size ?? blob.bytes.length;
        return { type: "file", path: name, size, oid: commitOf(name), ...(blob.small ? {} : { lfs: { oid: hashOf(blob), size, pointerSize: 134 } }) };
      });
      return json([...(start ? [] : [{ type: "directory", path: "folder", size: 0 }]), ...page], start + PAGE < names.length ? { Link: `<${next}>; rel="next"` } : {});
    }
    const name = path.split(`/resolve/${revision}/`)[1];
    if (fault === "gated") return refuse(401, { "X-Error-Code": "GatedRepo" });
    if (!files[name]) return refuse(404, { "X-Error-Code": "EntryNotFound" });
    if (files[name].status) return refuse(files[name].status);
    const signature = createHash("sha1").update(String(requests.length)).digest("hex");
    signed.set(signature, USES);
    response.writeHead(302, { Location: `/cdn/${repo}/${encodeURIComponent(name)}?signature=${signature}` }).end();

    function serveSigned(/** @type {string} */ signature) {
      const uses = signed.get(signature) ?? 0;
      if (!uses) return refuse(403);
      signed.set(signature, uses - 1);
      const [owner, repository, ...rest] = path.slice("cdn/".length).split("/");
      const blob = repos[`${owner}/${repository}`].files[rest.join("/")];
      const size = blob.size ?? blob.bytes.length;
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
      const start = Number(from ?? 0);
      const end = Math.min(to ? Number(to) + 1 : size, size);
      if (from && start >= end) return refuse(416);
      const body = Buffer.alloc(end - start);
      blob.bytes.copy(body, 0, start);
      sent += body.length;
      if (from) response.setHeader("Content-Range", `bytes ${start}-${end - 1}/${size}`);
      response.writeHead(from ? 206 : 200, { "Content-Length": body.length, "Content-Type": "application/octet-stream" });
      if (blob.hold === undefined) response.end(body);
      else response.write(body.subarray(0, blob.hold));
    }
  });

  await new Promise((done) => server.listen(0, "127.0.0.1", () => done(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    /** Bytes of files sent so far. */
    sent: () => sent,
    close: () =>
      new Promise((done) => {
        server.close(() => done(undefined));
        server.closeAllConnections();
      }),
  };
}

/**
 * A host without ranges that sends a beginning and then zeros. Ways, by the first part of the path: whole | blind (it has
 * ranges, but does not show them) | long (a header beyond the first window) | endless (it does not say how long it is).
 * @param {Blob} file
 */
export async function serveWhole({ bytes, size = bytes.length }) {
  let sent = 0;
  /** @type {Set<import("node:http").ServerResponse>} */
  const open = new Set();
  const zeros = Buffer.alloc(1 << 16);
  const long = lengthened(bytes);
  const server = createServer((request, response) => {
    const [, way] = (request.url ?? "/").split("/");
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Cache-Control", "no-store");
    const part = way === "blind" && /^bytes=0-(\d+)$/.exec(request.headers.range ?? "");
    const body = way === "long" ? long : bytes;
    const end = part ? Number(part[1]) + 1 : size + body.length - bytes.length;
    if (part) response.setHeader("Content-Range", `bytes 0-${end - 1}/${size}`);
    response.writeHead(part ? 206 : 200, { "Content-Type": "application/octet-stream", ...(way === "endless" ? {} : { "Content-Length": end }) });
    let at = 0;
    const more = () => {
      for (let room = true; room && at < end && !response.destroyed; ) {
        const piece = (at < body.length ? body.subarray(at, at + zeros.length) : zeros).subarray(0, end - at);
        at += piece.length;
        sent += piece.length;
        room = response.write(piece);
      }
      if (at >= end) response.end();
    };
    open.add(response.on("drain", more).on("close", () => open.delete(response)));
    more();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", () => done(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    sent: () => sent,
    /** Until no answer is under way. */
    counted: () => Promise.all([...open].map((response) => new Promise((done) => response.on("close", done)))),
    close: () =>
      new Promise((done) => {
        server.close(() => done(undefined));
        server.closeAllConnections();
      }),
  };
}

/** The same GGUF with so many bytes more in its metadata that no window holds it. @param {Buffer} bytes */
function lengthened(bytes) {
  const key = Buffer.from("general.filling.0000");
  const text = Buffer.alloc(FILLING, "a");
  const head = Buffer.from(bytes.subarray(0, 24));
  head.writeBigUInt64LE(head.readBigUInt64LE(16) + 1n, 16);
  const long = (/** @type {number} */ value) => {
    const number = Buffer.alloc(8);
    number.writeBigUInt64LE(BigInt(value));
    return number;
  };
  return Buffer.concat([head, long(key.length), key, Buffer.from([8, 0, 0, 0]), long(text.length), text, bytes.subarray(24)]);
}
