// Downloads into the store from a host with every fault: never an unverified byte, each failure explained, each gone on from.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { big, CHUNK, fresh, MANY, others, sha256, small, wrote, ZOO } from "../fresh.mjs";

/** @typedef {import("../case.mjs").Case} Case */

/** For a test that waits until patience ends; the others shall not lose it on a busy machine. */
const options = { patience: 600 };

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
        // what is read by address and not stored is waited for no longer
        depot.play((_, number) => [{ hold: 0 }, { hold: 1000 }][number]);
        wrote(await store("bring", { source: `${server.url}depot/small.gguf`, options: { ...options, store: "never" } }));
        assert.ok(depot.seen.length > 2, JSON.stringify(depot.seen));
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
        await store("clear");
        // of several files what is there is told at once, as if none of it had come just now
        const several = ["big.gguf", "more.gguf"].map((name) => ({ name, url: `${source}?${name}` }));
        depot.play((_, number) => [{}, { cut: 9_000_000 }, { status: 404 }][number]);
        assert.equal((await store("bring", { source: several })).code, "not-found");
        const [{ done: there }] = await store("list");
        assert.ok(there > big.length, `${there} bytes are there`);
        depot.play();
        const { first } = await store("bring", { source: several });
        assert.equal(first?.[0], there);
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
    name: "where the engine's own module does not come, the network is named and not the engine",
    on: ["chromium"],
    run: (bench) =>
      fresh(bench, async (store) => {
        const { depot, other } = bench;
        for (const [address, words] of /** @type {[string, RegExp][]} */ ([
          [`${other.url}pkg/nomoat_bg.wasm?fault=503`, /503/],
          [`${other.url}pkg/nomoat_bg.wasm?fault=truncate`, /did not come/],
          ["http://127.0.0.1:9/nomoat_bg.wasm", /Failed to fetch/],
        ])) {
          const got = await store("bring", { source: `${other.url}depot/big.gguf`, odd: `engine=${encodeURIComponent(address)}` });
          assert.equal(got.code, "network", `${address}: ${got.message}`);
          assert.match(got.message, /^the engine's WebAssembly did not come/);
          assert.match(got.message, words);
          assert.ok(got.cause, "without its cause");
        }
        assert.equal(depot.seen.length, 0);
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
];
