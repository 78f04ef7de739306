// The store of models against a host with every fault: never an unverified byte, at most one chunk lost, each failure
// explained, each gone on from.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { replay } from "../../../www/store/journal.js";

/** @typedef {import("../case.mjs").Case} Case @typedef {import("../case.mjs").Bench} Bench */
/** @typedef {(name: string, argument?: any) => Promise<any>} Store */

const ZOO = new URL("../../data/zoo/llama3/", import.meta.url);
const CHUNK = 4 << 20;
const MANY = ["chromium", "firefox"];

/** Pseudo-random numbers from a seed. @param {number} seed */
export function mulberry(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const small = readFileSync(new URL("model-bf16.gguf", ZOO));
const sha256 = (/** @type {Buffer} */ bytes) => createHash("sha256").update(bytes).digest("hex");

/** A model of so many bytes: what follows its last tensor is of no meaning to it. @param {number} bytes */
function grown(bytes) {
  const random = mulberry(7);
  const more = Buffer.alloc(bytes - small.length);
  for (let i = 0; i + 4 <= more.length; i += 4) more.writeUInt32LE(Math.floor(random() * 2 ** 32), i);
  return Buffer.concat([small, more]);
}

/** Ten chunks and a half. */
const big = grown(10.5 * CHUNK);

/** What the model writes, of which all else must be the same. @type {number[]} */
let right = [];

/**
 * Opens a page of its own, with nothing stored.
 * @param {Bench} bench @param {(store: Store, page: import("../browser.mjs").Page) => Promise<any>} act
 */
async function fresh({ browser, server, depot, lab }, act) {
  depot.files.clear();
  depot.files.set("small.gguf", { bytes: small, etag: '"small"' });
  depot.files.set("big.gguf", { bytes: big, etag: '"big"' });
  depot.play();
  if (!right.length) right = (await lab("watched", { source: "/depot/small.gguf", options: { device: "cpu" }, prompt: [28, 292, 85] })).ids;
  depot.play();
  const page = await browser.open(server.url);
  try {
    const store = on(page);
    await store("clear");
    return await act(store, page);
  } finally {
    await page.close();
  }
}

/** @param {import("../browser.mjs").Page} page @returns {Store} */
const on = (page) => (name, argument) => page.run(`async (argument) => (await import("/lab/storing.js")).${name}(argument)`, argument);

/** @param {any} got */
function wrote(got) {
  assert.equal(got.code, null, `${got.message}\n${got.lines.slice(-6).join("\n")}`);
  assert.deepEqual(got.ids, right);
}

/**
 * Each request goes on where the one before ended, but for what the browser had not handed out yet when that broke off.
 * @param {import("../faults.mjs").Seen[]} seen @param {number} size
 */
function seamless(seen, size) {
  let end = 0;
  for (const { from, sent } of seen) {
    assert.ok(from !== null && from <= end && end - from <= CHUNK, JSON.stringify(seen));
    end = from + sent;
  }
  assert.equal(end, size, JSON.stringify(seen));
}

/** @type {Case[]} */
export const cases = [
  {
    name: "a model is stored once, opens without its host, and can be removed",
    on: MANY,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        const source = `${other.url}depot/big.gguf`;
        const first = await store("bring", { source });
        wrote(first);
        assert.deepEqual(first.last, [big.length, big.length]);
        assert.ok(first.phases.join().includes("download,verify"), first.phases.join());
        assert.equal(depot.seen.length, 1);
        depot.play(() => ({ status: 500 }));
        const again = await store("bring", { source });
        wrote(again);
        assert.equal(depot.seen.length, 0, "it asked the host again");
        assert.ok(!again.phases.includes("download"));
        const [one, ...more] = await store("list");
        assert.equal(more.length, 0);
        const { key, name, bytes, done, complete, lastUsed } = one;
        assert.deepEqual({ name, bytes, done, complete }, { name: "big.gguf", bytes: big.length, done: big.length, complete: true });
        assert.equal(one.sha256, sha256(big));
        assert.equal(one.source, source);
        assert.ok(Math.abs(Date.now() - lastUsed) < 60_000);
        assert.deepEqual(await store("verify", key), { key, sound: true, files: [{ name, sound: true, bytes }] });
        assert.equal(await store("remove", key), null);
        assert.deepEqual(await store("list"), []);
        return `${first.ms.toFixed(0)} ms, again ${again.ms.toFixed(0)} ms`;
      }),
  },
  {
    name: "an answer that breaks off, stalls or is refused for now is gone on from at its byte",
    on: MANY,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, server, other } = bench;
        const faults = [{ cut: 1_000_003 }, { cut: 5_000_001 }, { hold: 3_333_333 }, { status: 503 }, { status: 429 }, { cut: 4 * CHUNK }];
        for (const { url } of [server, other]) {
          depot.play((_, number) => faults[number]);
          wrote(await store("bring", { source: `${url}depot/big.gguf` }));
          assert.ok(depot.seen.length > faults.length, JSON.stringify(depot.seen));
          seamless(depot.seen, big.length);
          await store("clear");
        }
      }),
  },
  {
    name: "what becomes another file on the way, or comes whole where a part was asked for, begins again",
    on: MANY,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, server, other } = bench;
        for (const { url } of [server, other]) {
          const source = `${url}depot/big.gguf`;
          depot.files.set("big.gguf", { bytes: Buffer.alloc(big.length, "GGUF"), etag: '"old"' });
          depot.play((_, number) => {
            if (number === 1) depot.files.set("big.gguf", { bytes: big, etag: '"big"' });
            return number === 0 ? { cut: 6_000_000 } : undefined;
          });
          wrote(await store("bring", { source }));
          // from its own origin the host is asked under a condition; of another the answer is compared
          const conditions = depot.seen.map(({ condition }) => condition);
          assert.deepEqual(conditions, url === server.url ? [null, '"old"'] : [null, null, null]);
          await store("clear");
          depot.play((_, number) => [{ cut: 6_000_000 }, { whole: true }][number]);
          const got = await store("bring", { source });
          wrote(got);
          assert.equal(depot.seen.length, 2);
          assert.equal(depot.seen[1].sent, big.length);
          assert.deepEqual(got.warnings, ["no-range"]);
          assert.equal((await store("list"))[0].sha256, sha256(big));
          await store("clear");
        }
      }),
  },
  {
    name: "an address that expires is asked for anew where it came from",
    on: MANY,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        let signed = 0;
        depot.play(({ path, query }) => {
          if (path === "model.gguf") return { to: `/depot/big.gguf?signed=${signed}` };
          if (query !== `?signed=${signed}`) return { status: 403 };
          signed += 1;
          return { cut: 9_000_000 };
        });
        wrote(await store("bring", { source: `${other.url}depot/model.gguf` }));
        assert.ok(depot.seen.filter(({ path }) => path === "model.gguf").length >= 5);
        await store("clear");
        // the host takes the permission back in the middle, and gives it again later
        let good = true;
        depot.play(() => (good ? { cut: 9_000_000 } : { status: 403 }));
        const source = `${other.url}depot/big.gguf`;
        const under = store("bring", { source });
        while (!depot.seen.length) await new Promise((resolve) => setTimeout(resolve, 5));
        good = false;
        const { code, message } = await under;
        assert.equal(code, "gated", message);
        assert.match(message, /expired.* MB of 44 MB are kept/s);
        const [{ done, complete }] = await store("list");
        assert.ok(!complete && done > 4_000_000, String(done));
        depot.play();
        wrote(await store("bring", { source }));
        assert.equal(depot.seen[0].from, done);
      }),
  },
  {
    name: "bytes that are not those that were wanted are never used",
    on: MANY,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        const source = [{ name: "big.gguf", url: `${other.url}depot/big.gguf`, size: big.length, sha256: sha256(big) }];
        depot.play((_, number) => ({ flip: 20_000_000, cut: number === 0 ? 9_000_000 : undefined }));
        const bad = await store("bring", { source });
        assert.equal(bad.code, "hash-mismatch", bad.message);
        assert.match(bad.message, new RegExp(sha256(big)));
        assert.ok(!bad.phases.includes("open"), bad.phases.join());
        const [left] = await store("list");
        assert.ok(!left || (left.done === 0 && !left.complete), JSON.stringify(left));
        depot.play();
        wrote(await store("bring", { source }));
        // another file than was listed is seen before a byte is taken
        const wrong = await store("bring", { source: [{ ...source[0], sha256: undefined, size: 5 }] });
        assert.equal(wrong.code, "hash-mismatch", wrong.message);
        assert.equal((await store("list")).length, 1);
      }),
  },
  {
    name: "what lies damaged on the disk is found before it is used, and only the rest is brought again",
    on: MANY,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        const source = `${other.url}depot/big.gguf`;
        wrote(await store("bring", { source }));
        const [{ key }] = await store("list");
        await store("damage", { key, at: 5 * CHUNK + 99 });
        const { sound, files } = await store("verify", key);
        assert.ok(!sound);
        assert.equal(files[0].bytes, 5 * CHUNK);
        depot.play(() => ({ status: 404 }));
        const gone = await store("bring", { source });
        assert.equal(gone.code, "not-found", gone.message);
        assert.ok(!gone.phases.includes("open"));
        depot.play();
        wrote(await store("bring", { source }));
        assert.deepEqual(depot.seen.map(({ from }) => from), [5 * CHUNK]);
        assert.ok((await store("verify", key)).sound);
        // what was recorded when it came first is what it must be ever after
        await store("damage", { key, at: 3 });
        depot.files.set("big.gguf", { bytes: Buffer.concat([big.subarray(0, -1), Buffer.of(1)]), etag: '"new"' });
        const replaced = await store("bring", { source });
        assert.equal(replaced.code, "hash-mismatch", replaced.message);
      }),
  },
  {
    name: "each lasting failure has its code and its words, and leaves nothing behind",
    on: MANY,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, server, other } = bench;
        const big = `${other.url}depot/big.gguf`;
        /** @type {[string, import("../faults.mjs").Fault, string, RegExp][]} */
        const rows = [
          [big, { status: 404 }, "not-found", /no such file/],
          [`${server.url}depot/nothing.gguf`, {}, "not-found", /no such file/],
          [big, { status: 401 }, "gated", /permission/],
          [big, { status: 403 }, "gated", /permission/],
          [big, { deaf: true }, "cors", /download the file and drop it here/],
          [big, { page: true }, "not-found", /web page/],
          [big, { status: 418 }, "network", /418/],
          [big, { status: 500 }, "network", /500/],
          [big, { hold: 0 }, "network", /nothing came for 0.6 seconds/],
          ["http://127.0.0.1:9/model.gguf", {}, "network", /cannot be reached/],
        ];
        for (const [source, fault, code, words] of rows) {
          depot.play(() => fault);
          const got = await store("bring", { source });
          assert.equal(got.code, code, got.message);
          assert.match(got.message, words);
          assert.match(got.message, /^[^:]+\.gguf: /);
          assert.ok(depot.seen.length <= 5, `${depot.seen.length} requests`);
        }
        assert.deepEqual(await store("list"), []);
      }),
  },
  {
    name: "a failure in the middle says what is kept, and the next load goes on with it",
    on: MANY,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        const source = `${other.url}depot/big.gguf`;
        /** @type {[import("../faults.mjs").Fault, string][]} */
        const rows = [
          [{ page: true }, "network"],
          [{ status: 502 }, "network"],
          [{ deaf: true }, "cors"],
          [{ status: 404 }, "not-found"],
        ];
        for (const [fault, code] of rows) {
          depot.play((_, number) => (number ? fault : { hold: 9_000_000 }));
          const got = await store("bring", { source });
          assert.equal(got.code, code, got.message);
          if (code !== "not-found") assert.match(got.message, /9\.0 MB of 44 MB are kept: load it again/);
          depot.play();
          wrote(await store("bring", { source }));
          assert.deepEqual(depot.seen.map(({ from }) => from), [9_000_000]);
          await store("clear");
        }
      }),
  },
  {
    name: "a load that is stopped loses nothing, and the next goes on at its byte",
    on: MANY,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        const source = `${other.url}depot/big.gguf`;
        depot.play(() => ({ rate: 20_000_000 }));
        await store("begin", { source });
        await store("reached", 6_000_000);
        const { code, done } = await store("halt");
        assert.equal(code, "aborted");
        depot.play();
        wrote(await store("bring", { source }));
        assert.equal(depot.seen.length, 1);
        assert.ok(Number(depot.seen[0].from) >= done, `${depot.seen[0].from} after ${done}`);
      }),
  },
];
