// The store of models on the disk: what lies there opens without its host, damage is found before use, and what cannot be
// stored is said.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { replay } from "../../../www/store/journal.js";
import { big, CHUNK, fresh, MANY, others, sha256, wrote, ZOO } from "../fresh.mjs";
import { serveHub } from "../hub.mjs";

/** @typedef {import("../case.mjs").Case} Case */

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
        assert.match(failed.cause, /NoModificationAllowedError/, "an error's cause stays behind in the worker");
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
