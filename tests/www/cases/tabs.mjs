// Tabs that store one model: a tab that is killed loses one chunk at most, and of several only one downloads.

import assert from "node:assert/strict";
import { big, CHUNK, fresh, mulberry, on, sha256, wrote } from "../fresh.mjs";

/** @typedef {import("../case.mjs").Case} Case */

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
];
