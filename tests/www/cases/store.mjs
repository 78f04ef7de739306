// The store of models against a host with every fault: never an unverified byte, at most one chunk lost, each failure
// explained, each gone on from.
// long because each fault is a claim of its own, over one host and its log.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { replay } from "../../../www/store/journal.js";
import { serveHub } from "../hub.mjs";

/** @typedef {import("../case.mjs").Case} Case @typedef {import("../case.mjs").Bench} Bench */
/** @typedef {(name: string, argument?: any) => Promise<any>} Store */

const ZOO = new URL("../../data/zoo/llama3/", import.meta.url);
const CHUNK = 4 << 20;
const MANY = ["chromium", "firefox"];
/** For what is the same in every browser that stores. */
const others = (/** @type {string} */ browser) => browser !== "chromium";

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

/** For a test that waits until patience ends; the others shall not lose it on a busy machine. */
const options = { patience: 600 };

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
  const page = await browser.open(`${server.url}?model=`);
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

/** Another tab of the same browser. @param {import("../browser.mjs").Page} page @param {string} url */
async function tab(page, url) {
  const raw = await page.raw.context().newPage();
  let done = 0;
  await raw.exposeFunction("told", (/** @type {number} */ bytes) => (done = Math.max(done, bytes)));
  await raw.goto(`${url}?model=`);
  const self = { ...page, raw, run: (/** @type {string} */ script, /** @type {any} */ argument) => raw.evaluate(new Function("argument", `return (${script})(argument)`), argument) };
  return {
    store: on(self),
    /** Bytes that it said it has. */
    done: () => done,
    /** Ends its process. */
    async kill() {
      const session = await raw.context().newCDPSession(raw);
      const crashed = new Promise((resolve) => raw.once("crash", resolve));
      session.send("Page.crash").catch(() => {});
      await crashed;
      await raw.close();
    },
    close: () => raw.close(),
  };
}

/** Kills the tab again and again while it downloads. @param {number} times @returns {Case["run"]} */
const kills = (times) => (bench) =>
  fresh(bench, async (_, page) => {
    const { depot, server, other } = bench;
    const seed = Number(process.env.NOMOAT_SEED ?? Date.now() % 1e9);
    const random = mulberry(seed);
    const source = [{ name: "big.gguf", url: `${other.url}depot/big.gguf`, sha256: sha256(big) }];
    let [worst, whole, last] = [0, 0, 0];
    for (let killed = 0; killed < times; ) {
      const { store, done, kill, close } = await tab(page, server.url);
      depot.play(() => ({ rate: 40_000_000 }));
      await store("begin", { source });
      const target = last + random() * 3 * CHUNK;
      const ended = store("end").catch(() => null);
      await Promise.race([store("reached", target).catch(() => {}), ended]);
      // what is on the disk may be more than the target, and is known before the host is asked
      for (let tries = 0; !depot.seen.length && tries < 200; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
      const [asked] = depot.seen;
      assert.ok(asked, `nothing was asked for after ${last} bytes, seed ${seed}: ${JSON.stringify(await Promise.race([ended, "under way"]))}`);
      const { from = 0 } = asked;
      if (last) {
        const lost = last - Number(from);
        assert.ok(lost <= CHUNK, `${lost} bytes lost, seed ${seed}`);
        worst = Math.max(worst, lost);
      }
      if (target >= big.length) {
        wrote(await ended);
        whole += 1;
        last = 0;
        await store("clear");
        await close();
        continue;
      }
      await kill();
      killed += 1;
      last = done();
    }
    const { store } = await tab(page, server.url);
    depot.play();
    wrote(await store("bring", { source }));
    return `${times} kills, ${whole + 1} times whole, ${worst} bytes lost at most, seed ${seed}`;
  });

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
          wrote(await store("bring", { source: `${url}depot/big.gguf`, options }));
          assert.ok(depot.seen.length > faults.length, JSON.stringify(depot.seen));
          seamless(depot.seen, big.length);
          await store("clear");
        }
      }),
  },
  {
    name: "what becomes another file on the way, or comes whole where a part was asked for, begins again",
    on: MANY,
    full: others,
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
        // a host that shows no more of a version than its date
        depot.files.set("big.gguf", { bytes: Buffer.alloc(big.length, "GGUF"), modified: "Sat, 03 Jan 2026 00:00:00 GMT" });
        depot.play((_, number) => {
          if (number === 1) depot.files.set("big.gguf", { bytes: big, modified: "Sun, 04 Jan 2026 00:00:00 GMT" });
          return number === 0 ? { cut: 6_000_000 } : undefined;
        });
        wrote(await store("bring", { source: `${other.url}depot/big.gguf` }));
        await store("clear");
        // an address of the page's own host that leads to another: under a condition the browser would not follow it
        depot.files.set("big.gguf", { bytes: big, etag: '"big"' });
        depot.play(({ path, from }) => (path === "model.gguf" ? { to: `${other.url}depot/big.gguf` } : from ? undefined : { cut: 9_000_000 }));
        wrote(await store("bring", { source: `${server.url}depot/model.gguf` }));
        assert.ok(depot.seen.some(({ from }) => from) && depot.seen.every(({ condition }) => !condition), JSON.stringify(depot.seen));
      }),
  },
  {
    name: "an address that expires is asked for anew where it came from",
    on: MANY,
    full: others,
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
    full: others,
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
        // or when all has come, also if it is tried again
        const odd = [{ name: "small.gguf", url: `${other.url}depot/small.gguf`, size: small.length - 1 }];
        for (let time = 0; time < 2; time++) {
          depot.play(() => ({ whole: true }));
          const long = await store("bring", { source: odd });
          assert.equal(long.code, "hash-mismatch", `${time}: ${long.message}`);
          assert.ok(depot.seen.length, `${time}`);
        }
      }),
  },
  {
    name: "what lies damaged on the disk is found before it is used, and only the rest is brought again",
    on: MANY,
    full: others,
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
        for (let time = 0; time < 2; time++) {
          const replaced = await store("bring", { source });
          assert.equal(replaced.code, "hash-mismatch", `${time}: ${replaced.message}`);
        }
      }),
  },
  {
    name: "each lasting failure has its code and its words, and leaves nothing behind",
    on: MANY,
    full: others,
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
          const got = await store("bring", { source, options });
          assert.equal(got.code, code, got.message);
          assert.match(got.message, words);
          assert.match(got.message, /^[^:]+\.gguf: /);
          assert.ok(depot.seen.filter(({ head }) => !head).length <= 5, `${depot.seen.length} requests`);
        }
        assert.deepEqual(await store("list"), []);
        // one that begins again and again does not advance
        depot.play((_, number) => (number % 2 ? { status: 416 } : { cut: 200_000 }));
        const { code, message } = await store("bring", { source: big, options });
        assert.equal(code, "network", message);
        assert.ok(depot.seen.length <= 10, `${depot.seen.length} requests`);
      }),
  },
  {
    name: "a failure in the middle says what is kept, and the next load goes on with it",
    on: MANY,
    full: others,
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
          const got = await store("bring", { source, options });
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
        const [partly] = await store("list");
        assert.ok(!partly.complete && partly.done >= CHUNK && partly.bytes === big.length, JSON.stringify(partly));
        assert.equal((await store("verify", partly.key)).code, "busy");
        const { code, done } = await store("halt");
        assert.equal(code, "aborted");
        depot.play();
        wrote(await store("bring", { source }));
        assert.equal(depot.seen.length, 1);
        assert.ok(Number(depot.seen[0].from) >= done, `${depot.seen[0].from} after ${done}`);
      }),
  },
  { name: "a tab that is killed loses one chunk at most", on: ["chromium"], run: kills(4) },
  { name: "a tab that is killed loses one chunk at most, 50 times over", on: ["chromium"], full: true, run: kills(50) },
  {
    name: "of four tabs one downloads and the others follow; when it dies the next goes on",
    on: ["chromium"],
    run: (bench) =>
      fresh(bench, async (_, page) => {
        const { depot, server, other } = bench;
        const source = `${other.url}depot/big.gguf`;
        const four = () => Promise.all(Array.from({ length: 4 }, () => tab(page, server.url)));
        depot.play(() => ({ rate: 20_000_000 }));
        const calm = await four();
        for (const got of await Promise.all(calm.map(({ store }) => store("bring", { source })))) {
          wrote(got);
          assert.deepEqual(got.last, [big.length, big.length], "one did not follow");
        }
        assert.equal(depot.seen.length, 1);
        const [{ key }] = await calm[0].store("list");
        assert.equal(await calm[0].store("remove", key), null);
        for (const { close } of calm) await close();
        depot.play(() => ({ rate: 20_000_000 }));
        const rest = await four();
        for (const { store } of rest) await store("begin", { source });
        /** @type {[number, number][]} What had come at each end, and which request would be the next. */
        const ends = [];
        for (let at = 6_000_000; rest.length > 1; at += 8_000_000) {
          await rest[0].store("reached", at);
          const [one] = rest.splice(0, 1);
          await one.kill();
          ends.push([one.done(), depot.seen.length]);
        }
        assert.equal((await rest[0].store("remove", key)).code, "busy");
        wrote(await rest[0].store("end"));
        const takeovers = depot.seen.length - 1;
        assert.ok(takeovers >= 1);
        for (const [done, next] of ends) {
          const from = depot.seen[next]?.from ?? done;
          assert.ok(done - from <= CHUNK, `${done - from} bytes lost`);
        }
        const { from, sent } = depot.seen[takeovers];
        assert.equal(Number(from) + sent, big.length);
        return `${takeovers} taken over`;
      }),
  },
  {
    name: "where there is no room it says so with numbers before it begins, and when it runs out keeps what came",
    on: ["chromium"],
    run: (bench) =>
      fresh(bench, async (store, page) => {
        const { depot, server, other } = bench;
        const source = `${other.url}depot/big.gguf`;
        const session = await page.raw.context().newCDPSession(page.raw);
        const quota = (/** @type {number} */ quotaSize) =>
          session.send("Storage.overrideQuotaForOrigin", { origin: new URL(server.url).origin, quotaSize });
        const small = await store("bring", { source, odd: "cramped" });
        assert.equal(small.code, "quota", small.message);
        assert.match(small.message, /needs 48 MB of storage, and this site may use 30 MB more/);
        assert.deepEqual(await store("list"), []);
        depot.play(() => ({ rate: 20_000_000 }));
        await store("begin", { source });
        await store("reached", 10_000_000);
        await quota(12e6);
        const full = await store("end");
        assert.equal(full.code, "quota", full.message);
        assert.match(full.message, /stores no more than \d+ MB of it, which are kept/);
        const [{ done }] = await store("list");
        assert.ok(done >= 2 * CHUNK, String(done));
        await quota(100e6);
        depot.play();
        wrote(await store("bring", { source }));
        assert.equal(depot.seen[0].from, done);
      }),
  },
  {
    name: "a device that goes offline says so, keeps what came, and goes on when it is back",
    on: MANY,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        const source = `${other.url}depot/big.gguf`;
        depot.play(() => ({ rate: 20_000_000 }));
        await store("begin", { source, odd: "wired" });
        await store("reached", 5_000_000);
        depot.play(() => ({ cut: 0 }));
        await store("network", false);
        depot.sever();
        const lost = await store("end");
        assert.equal(lost.code, "offline", lost.message);
        assert.match(lost.message, /offline; .* are kept/);
        await store("network", true);
        depot.play(() => ({ rate: 20_000_000 }));
        // it comes back before patience ends
        await store("begin", { source, odd: "wired" });
        await store("reached", 20_000_000);
        depot.play((_, number) => (number < 2 ? { cut: 0 } : undefined));
        await store("network", false);
        depot.sever();
        while (!depot.seen.length) await new Promise((resolve) => setTimeout(resolve, 5));
        await store("network", true);
        wrote(await store("end"));
      }),
  },
  {
    name: "where nothing can be stored the model comes into memory, with a warning and the same care",
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        const odd = bench.name === "webkit" ? undefined : "refusing";
        const url = `${other.url}depot/big.gguf`;
        const source = [{ name: "big.gguf", url, sha256: sha256(big) }];
        depot.play((_, number) => (number ? undefined : { cut: 9_000_000 }));
        const got = await store("bring", { source, odd });
        wrote(got);
        assert.deepEqual(got.warnings, ["storage-unavailable"]);
        assert.ok(depot.seen.length >= 2);
        assert.deepEqual(await store("list"), []);
        depot.play(() => ({ flip: 30_000_000 }));
        const bad = await store("bring", { source, odd });
        assert.equal(bad.code, "hash-mismatch", bad.message);
        depot.play();
        const direct = await store("bring", { source: url, odd });
        wrote(direct);
        assert.deepEqual(direct.warnings, ["storage-unavailable"]);
      }),
  },
  {
    name: "a folder, shards and split files are one model each; what is optional may be missing",
    on: MANY,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        for (const name of readdirSync(ZOO)) depot.files.set(`folder/${name}`, { bytes: readFileSync(new URL(name, ZOO)) });
        depot.files.delete("folder/special_tokens_map.json");
        const weights = /** @type {any} */ (depot.files.get("folder/model.safetensors"));
        const header = JSON.parse(weights.bytes.subarray(8, 8 + Number(weights.bytes.readBigUInt64LE(0))));
        const map = Object.fromEntries(Object.keys(header).filter((name) => name !== "__metadata__").map((name) => [name, "all-00001-of-00001.safetensors"]));
        depot.files.set("shards/all-00001-of-00001.safetensors", weights);
        depot.files.set("shards/model.safetensors.index.json", { bytes: Buffer.from(JSON.stringify({ metadata: { total_size: 226_000 }, weight_map: map })) });
        for (const name of ["config.json", "tokenizer.json"]) depot.files.set(`shards/${name}`, { bytes: readFileSync(new URL(name, ZOO)) });
        for (const [source, files] of [["folder/", 6], ["folder/model.safetensors", 6], ["shards/", 4]]) {
          depot.play();
          wrote(await store("bring", { source: `${other.url}depot/${source}` }));
          const [one, ...more] = await store("list");
          assert.equal(more.length, 0);
          assert.ok(one.complete);
          assert.equal(one.files.length, files, JSON.stringify(one.files));
          depot.play(() => ({ status: 500 }));
          wrote(await store("bring", { source: `${other.url}depot/${source}` }));
          assert.equal(depot.seen.length, 0, "it asked again");
          await store("clear");
        }
        // a list, as a catalogue or a hub gives it, and by its own name when the host is gone
        depot.play();
        const list = ["config.json", "model.safetensors", "tokenizer.json"].map((name) => ({ name: `sub/${name}`, url: `${other.url}depot/folder/${name}?v=1` }));
        wrote(await store("bring", { source: list }));
        assert.equal(depot.seen.length, 3);
        const [{ source, name }] = await store("list");
        assert.deepEqual([source, name], [list, "model.safetensors"]);
      }),
  },
  {
    name: "an optional file that is refused for now is not taken for one that is missing",
    on: MANY,
    full: others,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        for (const name of readdirSync(ZOO)) depot.files.set(`folder/${name}`, { bytes: readFileSync(new URL(name, ZOO)) });
        depot.files.delete("folder/special_tokens_map.json");
        const source = `${other.url}depot/folder/`;
        const one = "folder/tokenizer_config.json";
        const asked = () => depot.seen.filter(({ path, head }) => path === one && !head).length;
        depot.play(({ path }) => (path === one && asked() < 3 ? { status: 503, deaf: true } : undefined));
        wrote(await store("bring", { source }));
        assert.equal(asked(), 3);
        assert.equal((await store("list"))[0].files.length, 6);
        await store("clear");
        for (const fault of [{ status: 403 }, { status: 429, deaf: true }]) {
          depot.play(({ path }) => (path === one ? fault : undefined));
          wrote(await store("bring", { source }));
          assert.equal((await store("list"))[0].files.length, 5);
          // the next load asks for it, and opens all the same
          for (const refusal of [fault, { status: 500 }]) {
            depot.play(() => refusal);
            wrote(await store("bring", { source }));
            assert.equal(asked(), 1, JSON.stringify([fault, refusal, depot.seen]));
            assert.ok((await store("list"))[0].complete);
          }
          depot.play();
          wrote(await store("bring", { source }));
          assert.equal((await store("list"))[0].files.length, 6);
          depot.play(() => ({ status: 500 }));
          wrote(await store("bring", { source }));
          assert.equal(depot.seen.length, 0, "it asked again");
          await store("clear");
        }
      }),
  },
  {
    name: "a storage that fails says so, and what is in it stays",
    on: ["chromium"],
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        const source = `${other.url}depot/100%model.gguf#part`;
        depot.files.set("100%model.gguf", { bytes: big, etag: '"big"' });
        depot.play((_, number) => (number ? { status: 404 } : { cut: 9_000_000 }));
        assert.equal((await store("bring", { source })).code, "not-found");
        const [{ key, done }] = await store("list");
        await store("seize", key);
        depot.play();
        const failed = await store("bring", { source });
        assert.equal(failed.code, "storage-unavailable", failed.message);
        assert.match(failed.message, /NoModificationAllowedError/);
        await store("loose");
        wrote(await store("bring", { source }));
        assert.equal(depot.seen[0].from, done);
      }),
  },
  {
    name: "a reference is stored under its name, and opens when its hub is gone",
    on: ["chromium"],
    run: (bench) =>
      fresh(bench, async (store) => {
        const hub = await serveHub({ "some/model": { files: { "big-BF16.gguf": { bytes: big } } } });
        const how = { hub: hub.url };
        const source = "some/model:BF16";
        wrote(await store("bring", { source, options: how }));
        const [one, ...more] = await store("list");
        assert.equal(more.length, 0);
        assert.deepEqual([one.source, one.complete, one.sha256], [source, true, sha256(big)]);
        await hub.close();
        wrote(await store("bring", { source, options: how }));
        wrote(await store("bring", { source: one.source }));
      }),
  },
  {
    name: "where the model runs on the page, a worker stores it all the same",
    on: ["chromium"],
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        const what = { source: `${other.url}depot/big.gguf`, odd: "blind", options: { device: "gpu" } };
        const first = await store("bring", what);
        wrote(first);
        assert.ok(first.warnings.includes("no-gpu-in-worker") && !first.warnings.includes("storage-unavailable"), first.warnings.join());
        const again = await store("bring", what);
        wrote(again);
        assert.equal(depot.seen.length, 1);
        // and nobody holds it any more
        const [{ key }] = await store("list");
        assert.equal(await store("remove", key), null);
      }),
  },
  {
    name: "what is no model is given up at its first bytes",
    on: MANY,
    full: others,
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        depot.files.set("film.gguf", { bytes: Buffer.alloc(40_000_000, "RIFF") });
        depot.play(() => ({ rate: 20_000_000 }));
        const got = await store("bring", { source: `${other.url}depot/film.gguf` });
        assert.equal(got.code, "unsupported-format", got.message);
        assert.match(got.message, /begins with "RIFF"/);
        assert.ok(depot.seen[0].sent < 12_000_000, `${depot.seen[0].sent} bytes came`);
        assert.deepEqual(await store("list"), []);
      }),
  },
  {
    name: "a journal cut at any byte tells less, and nothing that is not so",
    on: ["chromium"],
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        const source = `${other.url}depot/big.gguf`;
        wrote(await store("bring", { source }));
        const [{ key }] = await store("list");
        const text = Buffer.from(await store("journal", key));
        const full = replay(new Uint8Array(text));
        assert.ok(full.state.whole && full.bytes === text.length);
        const chunks = full.state.files.get("big.gguf")?.chunks ?? [];
        assert.equal(chunks.length, 11);
        for (let length = 0; length < text.length; length++) {
          for (const cut of [text.subarray(0, length), Buffer.concat([text.subarray(0, length), Buffer.alloc(40, length)])]) {
            const { state, bytes } = replay(new Uint8Array(cut));
            assert.ok(bytes <= length && !state.whole, `${length}`);
            const file = state.files.get("big.gguf");
            assert.deepEqual(file?.chunks ?? [], chunks.slice(0, file?.chunks.length ?? 0));
          }
        }
        // and from one that was cut it goes on
        for (const part of [0, 0.1, 0.3, 0.6, 0.95, 0.999]) {
          const lies = Buffer.from(await store("journal", key));
          const length = Math.floor(lies.length * part);
          const kept = replay(new Uint8Array(lies.subarray(0, length))).state.files.get("big.gguf")?.chunks.at(-1)?.end ?? 0;
          depot.play();
          await store("cut", { key, length });
          wrote(await store("bring", { source }));
          assert.deepEqual(depot.seen.map(({ from }) => from), kept < big.length ? [kept] : [], `${part}`);
        }
      }),
  },
];
