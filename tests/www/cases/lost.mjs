// A GPU that is lost in the middle of an answer: the model is brought onto it again, and the answer goes on. And one that is full.

import assert from "node:assert/strict";
import process from "node:process";
import * as chromium from "../chromium.mjs";

/** @typedef {import("../case.mjs").Case} Case */

const STORY = "/shared/models/TinyStories-656K/";
const PROMPT = [1, 2, 3, 4, 5, 6, 7, 8];
const TOKENS = 60;

/** Numbers below `end`, always the same. @param {number} count @param {number} end */
function drawn(count, end) {
  let state = 7;
  return Array.from({ length: count }, () => (state = (state * 16807) % 2147483647) % end);
}

/** @param {string} name @param {number[][]} at Tokens after which the GPU is lost, of each answer. @param {boolean} full @returns {Case} */
const going = (name, at, full) => ({
  name,
  shared: true,
  each: "gpu",
  full,
  async run({ lab, device }) {
    const { sound, rows } = await lab("losing", { source: STORY, options: { device }, prompt: PROMPT, maxTokens: TOKENS, at });
    assert.equal(sound.ids.length, TOKENS);
    assert.equal(sound.lost, 0);
    for (const { moments, ids, lost, message } of rows) {
      assert.deepEqual(ids, sound.ids, `lost at ${moments}: ${message ?? ids}`);
      assert.equal(lost, moments.length, `lost at ${moments}`);
    }
    return `${at.flat().length} losses`;
  },
});

/** @param {string} name @param {number[]} moments Milliseconds after which it is killed. @param {boolean} full @returns {Case} */
const killing = (name, moments, full) => ({
  name,
  shared: true,
  on: ["chromium"],
  full,
  async run({ server }) {
    const what = { source: STORY, options: { device: "gpu" }, prompt: PROMPT, maxTokens: 300 };
    let sound;
    let lost = 0;
    for (const ms of moments) {
      // after a second loss in a few minutes Chromium gives no GPU to anyone, so each has a browser of its own
      const browser = await chromium.start();
      try {
        const page = await browser.open(`${server.url}?model=`);
        const cdp = await /** @type {any} */ (page.raw).context().browser().newBrowserCDPSession();
        /** @param {string} name @param {any} [argument] */
        const lab = (name, argument) => page.run(`async (argument) => (await import("/lab/lab.js")).${name}(argument)`, argument);
        /** @param {number} ms */
        const killed = async (ms) => {
          await lab("begin", what);
          await new Promise((go) => setTimeout(go, ms));
          const { processInfo } = await cdp.send("SystemInfo.getProcessInfo");
          for (const { type, id } of processInfo) if (type === "GPU") process.kill(id, "SIGKILL");
          return lab("ended");
        };
        if (!sound) {
          await lab("begin", what);
          sound = await lab("ended");
        }
        const { ids, code, message, lost: times } = await killed(ms);
        assert.equal(code, null, `after ${ms} ms: ${message}`);
        assert.deepEqual(ids, sound.ids, `after ${ms} ms`);
        lost += times;
        if (ms !== moments.at(-1)) continue;
        const again = await killed(100);
        assert.equal(again.code, "device-lost", again.message);
        assert.match(again.message, /does not give its GPU back/);
      } finally {
        await browser.close();
      }
    }
    assert.ok(lost > 0, "no answer noticed");
    return `${lost} of ${moments.length} in the middle of an answer`;
  },
});

/** @param {string} name @param {number} step From one buffer to the next that there is no memory for. @param {boolean} full @returns {Case} */
const filling = (name, step, full) => ({
  name,
  shared: true,
  each: "gpu",
  full,
  async run({ lab, device }) {
    const rows = await lab("filling", { source: STORY, options: { device }, step });
    const sound = rows.at(-1);
    assert.equal(sound.ids.length, 8);
    for (const { which, code, message, outside } of rows.slice(0, -1)) {
      assert.equal(code, "gpu-out-of-memory", `buffer ${which} of ${sound.asked}: ${message}`);
      assert.equal(outside, "");
    }
    return `${rows.length - 1} of ${sound.asked} buffers`;
  },
});

/** @type {Case[]} */
export const cases = [
  filling("a GPU without memory for a buffer is an error with its code", 31, false),
  filling("a GPU without memory for any of its buffers is an error with its code", 1, true),
  going("an answer goes on when the GPU is lost, with the same ids", [[0], [1], [5, 17, 40]], false),
  going("an answer goes on when the GPU is lost at any of its tokens", drawn(15, TOKENS - 16).map((token) => [token + 1]), true),
  {
    name: "a GPU that is lost again and again ends the answer with its code",
    shared: true,
    each: "gpu",
    async run({ lab, device }) {
      const what = { source: STORY, options: { device }, prompt: PROMPT, maxTokens: TOKENS, at: [[3, 9, 15, 21]] };
      const [{ code, message, lost }] = (await lab("losing", what)).rows;
      assert.equal(code, "device-lost");
      assert.match(message, /lost 4 times/);
      assert.equal(lost, 3);
    },
  },
  killing("an answer goes on when the browser's GPU process is killed", [150, 400], false),
  killing("an answer goes on when the browser's GPU process is killed at any moment", drawn(12, 700), true),
];
