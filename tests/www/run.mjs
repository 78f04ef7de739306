// Runs the browser tests: one start of each browser, a line a claim, and the counts at the end.
//
//   node tests/www/run.mjs [--only chromium] [--full] [--filter TEXT] [--shots FOLDER] [--verbose]
//
// NOMOAT_SHARED names the folder with the shared models (else ../shared); NOMOAT_REQUIRE_BROWSERS=1 makes a browser that
// is missing a failure; NOMOAT_BLESS=1 takes the pictures of the README anew.

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as bigFile from "./big.mjs";
import { cases as bench } from "./cases/bench.mjs";
import { cases as big } from "./cases/big.mjs";
import { cases as download } from "./cases/download.mjs";
import { cases as embedding } from "./cases/embedding.mjs";
import { cases as engine } from "./cases/engine.mjs";
import { cases as formats } from "./cases/formats.mjs";
import { cases as hub } from "./cases/hub.mjs";
import { cases as installed } from "./cases/installed.mjs";
import { cases as ledger } from "./cases/ledger.mjs";
import { cases as licence } from "./cases/licence.mjs";
import { cases as loading } from "./cases/loading.mjs";
import { cases as lost } from "./cases/lost.mjs";
import { cases as offline } from "./cases/offline.mjs";
import { cases as page } from "./cases/page.mjs";
import { cases as prove } from "./cases/prove.mjs";
import { cases as seedling } from "./cases/seedling.mjs";
import { cases as shell } from "./cases/shell.mjs";
import { cases as single } from "./cases/single.mjs";
import { cases as sites } from "./cases/sites.mjs";
import { cases as store } from "./cases/store.mjs";
import { cases as tabs } from "./cases/tabs.mjs";
import { cases as talk } from "./cases/talk.mjs";
import { cases as widget } from "./cases/widget.mjs";
import { hostileCases } from "./cases/hostile.mjs";
import { zooCases } from "./cases/zoo.mjs";
import * as chromium from "./chromium.mjs";
import { depot as makeDepot } from "./faults.mjs";
import * as firefox from "./firefox.mjs";
import { serve } from "./server.mjs";
import * as webkit from "./webkit.mjs";

/** @typedef {import("./case.mjs").Case} Case @typedef {import("./case.mjs").Bench} Bench */

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    full: { type: "boolean", default: false },
    filter: { type: "string", default: "" },
    shots: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");
const shared = path.resolve(root, process.env.NOMOAT_SHARED ?? "../shared");
const haveShared = existsSync(path.join(shared, "zoo"));
/** Without the shared models: the one that a bare clone has. */
const models = haveShared ? shared : path.join(root, "tests/data");
const made = mkdtempSync(path.join(tmpdir(), "nomoat-"));
const shots = values.shots ?? path.join(root, "target/shots");
mkdirSync(shots, { recursive: true });

/** Of what the tests see, what the README shows. */
const PICTURES = ["first-1280-light.png", "privacy-1280-light.png", "talk-390-dark.png", "first-390-light-zh.png"];

/** The page without the model that comes with it. @param {string} url */
const bare = (url) => `${url}?model=`;

/** A claim that takes longer has failed: nothing here waits for a person. */
const LIMIT_MS = 300_000;

/** A busy machine can starve a browser for seconds. So a claim that fails is tried once more on a fresh page, and the line says
 * so; what fails twice has failed, and so does whatever fails when this many were tried again. */
const SECOND_TRIES = 6;
let triedAgain = 0;

let [passed, failed, skipped] = [0, 0, 0];

/** @param {string} what @param {"passed" | "failed" | "skipped"} how @param {string} [more] */
function tell(what, how, more) {
  if (how === "passed") passed++;
  if (how === "failed") failed++;
  if (how === "skipped") skipped++;
  const note = more ? ` (${more})` : "";
  if (how !== "passed") console.log(`${how}: ${what}${note}`);
  else console.log(`ok      ${what}${note}`);
}

if (!existsSync(path.join(root, "www/pkg/nomoat_bg.wasm"))) {
  console.log("failed: www/pkg is not built: run ./build.sh build");
  console.log("0 passed, 1 failed, 0 skipped");
  process.exit(1);
}
if (!haveShared) console.log(`skipped: there are no shared models at ${shared} (NOMOAT_SHARED), so only the tests run that do with tests/data`);

/** Whether the module is one that is quick to build: it can try its kernels, and is too slow for much else. */
const dev = existsSync(path.join(root, "www/pkg/.built")) && readFileSync(path.join(root, "www/pkg/.built"), "utf8").trim() === "dev";

const minilm = process.env.NOMOAT_MINILM;
const mounts = { "/lab": here, "/data": path.join(root, "tests/data"), "/made": made, "/shared": models, "/released": path.join(root, "dist/site"), ...(minilm ? { "/minilm": minilm } : {}) };
const depot = makeDepot();
const server = await serve({ root: path.join(root, "www"), mounts, depot, log: values.verbose ? console.log : undefined });
const other = await serve({ root: path.join(root, "www"), mounts, depot, cors: true });

/** @type {Case[]} */
const all = [
  ...engine,
  ...zooCases({ root, models }),
  ...hub,
  ...loading,
  ...lost,
  ...page,
  ...seedling,
  ...shell,
  ...ledger,
  ...licence,
  ...talk,
  ...store,
  ...download,
  ...tabs,
  ...sites,
  ...widget,
  ...embedding,
  ...offline,
  ...installed,
  ...single,
  ...bench,
  ...big,
  ...prove,
  ...(dev ? formats : []),
  ...(await hostileCases({ root, made })),
];

for (const driver of [chromium, firefox, webkit]) {
  if (values.only && !values.only.split(",").includes(driver.name)) continue;
  const why = driver.missing();
  if (why) {
    tell(driver.name, process.env.NOMOAT_REQUIRE_BROWSERS === "1" ? "failed" : "skipped", why);
    continue;
  }
  const started = performance.now();
  try {
    await one(driver);
  } catch (error) {
    tell(`${driver.name} runs`, "failed", error instanceof Error ? error.stack : String(error));
  }
  console.log(`        ${driver.name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

await server.close();
await other.close();
rmSync(made, { recursive: true, force: true });
if (process.env.NOMOAT_BLESS === "1") {
  for (const name of PICTURES) if (existsSync(path.join(shots, name))) copyFileSync(path.join(shots, name), path.join(root, "tests/golden/pictures", name));
}
if (triedAgain) console.log(`${triedAgain} were tried a second time`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed ? 1 : 0);

/** @param {typeof chromium | typeof firefox | typeof webkit} driver */
async function one(driver) {
  const devices = driver.name === "firefox" ? ["gpu"] : driver.gpu ? ["gpu", "cpu"] : ["cpu"];
  const due = all.filter((test) => wanted(test, driver.name));
  if (!due.length) return;
  const browser = await driver.start();
  try {
    let page = await browser.open(bare(server.url));
    for (const test of due) {
      if (test.shared && !(haveShared || (test.shared !== true && existsSync(path.join(models, test.shared))))) {
        skipped++; // said once, above
        continue;
      }
      if (test.made === "big" && !existsSync(path.join(made, "big.gguf"))) bigFile.write(path.join(made, "big.gguf"));
      const on = test.each === "device" ? devices : test.each === "gpu" ? devices.filter((d) => d === "gpu") : [devices[0]];
      for (const device of on) {
        const what = `${driver.name}${test.each ? ` ${device}` : ""}: ${test.name}`;
        /** @type {Bench} */
        const bench = {
          lab: (name, argument) => page.run(`async (argument) => (await import("/lab/lab.js")).${name}(argument)`, argument),
          device,
          devices,
          name: driver.name,
          browser,
          server,
          other,
          depot,
          shots,
          made,
          shared: models,
        };
        const started = performance.now();
        let first = "";
        for (;;) {
          try {
            const note = await limited(test.run(bench), test.limit);
            const seconds = (performance.now() - started) / 1000;
            if (note?.startsWith("skipped: ")) tell(what, "skipped", note.slice(9));
            else tell(what, "passed", [note, seconds > 5 ? `${seconds.toFixed(0)} s` : "", first].filter(Boolean).join(", "));
            break;
          } catch (error) {
            const words = error instanceof Error ? String(error.stack) : String(error);
            // whatever went wrong shall not reach the next one
            await page.close().catch(() => {});
            page = await browser.open(bare(server.url));
            if (first || triedAgain === SECOND_TRIES) {
              tell(what, "failed", words);
              break;
            }
            triedAgain++;
            console.log(`again   ${what} (${words})`);
            first = "at the second try";
          }
        }
        if (driver.name === "webkit") page = await browser.open(bare(server.url));
      }
    }
    await page.run(`async () => (await import("/lab/lab.js")).leave()`);
  } finally {
    await browser.close();
  }
}

/** @param {Case} test @param {string} browser */
function wanted(test, browser) {
  if (!test.name.includes(values.filter)) return false;
  if (test.on && !test.on.includes(browser)) return false;
  const full = typeof test.full === "function" ? test.full(browser) : test.full;
  return values.full || !full;
}

/** @template T @param {Promise<T>} promise @param {number} [ms] @returns {Promise<T>} */
function limited(promise, ms = LIMIT_MS) {
  let timer = /** @type {NodeJS.Timeout | undefined} */ (undefined);
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${ms / 1000} s`)), ms);
  });
  return /** @type {Promise<T>} */ (Promise.race([promise, late])).finally(() => clearTimeout(timer));
}
