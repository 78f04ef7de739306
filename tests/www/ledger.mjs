// The openness ledger: its rows, its rules, and what is made of them. Needs no browser.
//
//   node tests/www/ledger.mjs [--filter TEXT]
//
// NOMOAT_SHARED names the folder with data/openness (else ../shared), whose published grades the rows are held to.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runInNewContext } from "node:vm";
import { calls, everything, faults, index, termFaults, wordFaults } from "../../build/ledger.mjs";
import { hashes, version } from "../../build/shell.mjs";
import { annexXII, badge, badgeText, caveat, claims, clauses, clauseText, conflicts, conflictText, openLedger, sheet, strip, trace } from "../../www/ledger.js";
import { MODELS } from "../../www/models.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TRACKER = path.resolve(ROOT, process.env.NOMOAT_SHARED ?? "../shared", "data/openness/tracker");
const { values } = parseArgs({ options: { filter: { type: "string", default: "" } } });

/** @typedef {import("../../www/ledger.js").Row} Row @typedef {import("../../www/ledger.js").Language} Language */

/** @type {Language[]} */
const BOTH = ["en", "zh"];
const json = (/** @type {string} */ file) => JSON.parse(readFileSync(path.join(ROOT, file), "utf8"));
const { rows, known } = everything();
const ledger = await openLedger({ base: "www/ledger/", get: async (file) => json(file) });
const rowOf = (/** @type {string} */ id) => /** @type {Row} */ (rows.find((row) => row.id === id));

/** @type {{ good: any, bad: { name: string, set: Record<string, any>, says: string }[] }} */
const broken = json("tests/data/ledger/broken.json");
/** @type {Record<string, { clause: any, en: string, zh: string }[]>} */
const spoken = json("tests/data/ledger/clauses.json");

/** A copy with some of its parts changed, each named by a path. @param {any} from @param {Record<string, any>} changes */
function changed(from, changes) {
  const copy = structuredClone(from);
  for (const [at, value] of Object.entries(changes)) {
    const keys = at.split(">");
    const last = /** @type {string} */ (keys.pop());
    const inner = keys.reduce((part, key) => part[key], copy);
    if (value === "(gone)") delete inner[last];
    else inner[last] = value;
  }
  return copy;
}

// ---- the tracker's own files ------------------------------------------------------------------------------------------

const KEYS = Object.keys(ledger.words.criteria[1]);
const MARK = /** @type {Record<string, string>} */ ({ open: "O", partial: "P", closed: "C" });
const SCORE = /** @type {Record<string, number>} */ ({ O: 1, P: 0.5 });

/** @param {string} file */
function published(file) {
  const text = readFileSync(path.join(TRACKER, file), "utf8").replaceAll("\r", "");
  const part = (/** @type {string} */ key) => new RegExp(`^${key}:[ \\t]*\\n((?:[ \\t]+.*\\n|[ \\t]*\\n)*)`, "m").exec(`${text}\n`)?.[1] ?? "";
  const field = (/** @type {string} */ key, /** @type {string} */ name) => new RegExp(`^[ \\t]+${name}:[ \\t]*(\\S*)`, "m").exec(part(key))?.[1] ?? "";
  const marks = KEYS.map((key) => MARK[field(key, "class")] ?? "-").join("");
  return { marks, parts: KEYS.map(part), total: [...marks].reduce((sum, mark) => sum + (SCORE[mark] ?? 0), 0) };
}

const haveTracker = existsSync(TRACKER);

// ---- the claims -------------------------------------------------------------------------------------------------------

/** @type {[string, () => void | string | Promise<void | string>][]} */
const tests = [
  [
    "every row validates, and cites nothing that nobody read",
    () => {
      assert.deepEqual(rows.flatMap((row) => faults(row, known).map((fault) => `${row.id}: ${fault}`)), []);
      const fields = rows.flatMap((row) => Object.values(row.fields));
      return `${rows.length} rows, ${fields.filter(Boolean).length} fields stated, ${fields.filter((field) => !field).length} not`;
    },
  ],
  ["licences and words validate", () => assert.deepEqual([...termFaults(known.terms, known), ...wordFaults(known.words)], [])],
  [
    "those whose data it has are named as they want it",
    () => {
      const stated = new Set(Object.values(known.register).flatMap(({ states }) => states ?? []));
      assert.equal(known.words.credits.length, 4);
      for (const { name, url, licence, cite } of known.words.credits) assert.ok(name && licence && cite && stated.has(url), name);
    },
  ],
  ["the list of rows is that of the rows: node build/ledger.mjs", () => assert.equal(readFileSync(path.join(ROOT, "www/ledger/index.json"), "utf8"), index(rows))],
  ["the fixture without a fault has none", () => assert.deepEqual(faults(broken.good, { ...known, register: { ...known.register, ...json("tests/data/ledger/read-by-tests.json") } }), [])],
  ...broken.bad.map(({ name, set, says }) => /** @type {[string, () => void]} */ ([
    `a row is refused: ${name}`,
    () => {
      const found = faults(changed(broken.good, set), { ...known, register: { ...known.register, ...json("tests/data/ledger/read-by-tests.json") } });
      assert.ok(found.some((fault) => fault.includes(says)), `expected ${says}, found ${JSON.stringify(found)}`);
    },
  ])),
  [
    "licences are refused without a source, and clauses of a text that nobody read",
    () => {
      const bad = (/** @type {Record<string, any>} */ set) => termFaults(changed(known.terms, set), known).join("\n");
      assert.match(bad({ "licences>mit>osi": { is: true, by: "nobody" } }), /OSI approval without a source/);
      assert.match(bad({ "licences>mit>text": null }), /clauses of a text that nobody read/);
      assert.match(bad({ "sources>mit>url": "https://example.org/" }), /nobody read https:\/\/example\.org/);
    },
  ],
  [
    "words are refused that lack a language, or say what only a validation may",
    () => {
      assert.match(wordFaults(changed(known.words, { "grades>open>zh": "(gone)" })).join(), /grades\.open: no zh/);
      assert.match(wordFaults(changed(known.words, { "badges>weights>en": "Open source weights" })).join(), /badges\.weights/);
      assert.match(wordFaults(changed(known.words, { "badges>weights>zh": "开源权重" })).join(), /badges\.weights/);
    },
  ],
  [
    "the page says of no model that it is open source, in either language",
    () => {
      const files = readdirSync(path.join(ROOT, "www"), { recursive: true, encoding: "utf8" }).filter((file) => /\.(js|html|webmanifest)$/.test(file) && !/^(vendor|pkg)\b/.test(file));
      assert.ok(files.length > 50);
      const found = files.filter((file) => calls(withoutComments(readFileSync(path.join(ROOT, "www", file), "utf8"))));
      assert.deepEqual(found, []);
      assert.ok(calls("an open-source model") && calls("开源模型") && !calls("Open Source Initiative") && !calls("open weights"));
    },
  ],
  [
    "each catalogue model has a row, is found by its reference, and has the badge of its row",
    () => {
      for (const { id, reference, licence, terms } of MODELS) {
        const listed = ledger.find(reference);
        assert.ok(listed, id);
        assert.equal({ "open-weights": "weights", "weights-available": "available" }[terms], badge(rowOf(listed.id), ledger).kind, id);
        const [claim] = claims(rowOf(listed.id), "licence");
        assert.ok(claim && [claim.is, ledger.terms.licences[claim.is].name].some((one) => one.toLowerCase() === licence.toLowerCase() || one === licence), `${id}: ${licence} is not ${claim?.is}`);
      }
    },
  ],
  [
    "the tracker's published totals are those of its files",
    () => {
      if (!haveTracker) return NO_TRACKER;
      for (const [name, total] of Object.entries(json("tests/data/ledger/totals.json"))) assert.equal(published(`${name}.yaml`).total, total, name);
      const grade = (/** @type {string} */ file, /** @type {string} */ key) => published(file).marks[KEYS.indexOf(key)];
      assert.equal(grade("llama-2-chat.yaml", "opencode"), "C", "Llama 2: code closed");
      assert.equal(grade("bloomz.yaml", "opencode"), "O", "BLOOMZ: code open");
      assert.equal(published("chatgpt.yaml").total, 0.5);
    },
  ],
  [
    "a row's grades are the tracker's, and so are their links",
    () => {
      if (!haveTracker) return NO_TRACKER;
      let held = 0;
      for (const row of rows) {
        for (const { version, by, marks, links } of row.grades) {
          if (version !== 1 || !by.startsWith("tracker:")) continue;
          const theirs = published(`${by.slice("tracker:".length)}.yaml`);
          assert.equal(marks, theirs.marks, row.id);
          links.forEach((/** @type {string | null} */ link, /** @type {number} */ at) => link && assert.ok(theirs.parts[at].includes(link), `${row.id}: ${KEYS[at]}: ${link}`));
          held++;
        }
      }
      assert.ok(held >= 3);
      return `${held} rows`;
    },
  ],
  [
    "Seedling's row is its card's",
    () => {
      const { name, developer, parameters, context, languages, licence, grades } = json("seedling/card.json");
      const row = rowOf("seedling");
      const stated = Object.fromEntries(["name", "developer", "parameters", "context", "languages", "licence"].map((field) => [field, claims(row, field)[0].is]));
      assert.deepEqual(stated, { name, developer, parameters: [parameters], context: [context], languages, licence: licence.spdx.toLowerCase().replace(" or ", " OR ") });
      assert.equal(row.grades[0].marks, KEYS.map((key) => MARK[grades.grades[key]]).join(""));
      assert.equal(badgeText(badge(row, ledger), ledger, "en"), "Everything published (self-assessed)");
    },
  ],
  [
    "Llama 2's code is closed, BLOOMZ's open, and the versions of the criteria stay apart",
    () => {
      const cell = (/** @type {string} */ id, /** @type {1 | 2} */ version, /** @type {string} */ key) => {
        const row = rowOf(id);
        const grades = row.grades.find((one) => one.version === version);
        assert.ok(grades, `${id}: no grades of version ${version}`);
        return strip(row, grades, ledger).find((one) => one.key === key);
      };
      assert.equal(cell("llama-2", 1, "opencode")?.grade, "closed");
      assert.equal(cell("bloomz", 1, "opencode")?.grade, "open");
      assert.equal(cell("bloomz", 1, "package")?.grade, "closed");
      assert.equal(cell("bloomz", 2, "package")?.grade, null, "the index grades it no longer");
      assert.match(String(cell("bloomz", 1, "paper")?.doi), /^10\./);
      for (const row of rows) for (const grades of row.grades) assert.equal(strip(row, grades, ledger).length, 14);
    },
  ],
  [
    "badges follow from what is stated",
    () => {
      const text = (/** @type {string} */ id, /** @type {Language} */ language = "en") => badgeText(badge(rowOf(id), ledger), ledger, language);
      for (const [id, en, zh] of json("tests/data/ledger/badges.json")) {
        assert.equal(text(id), en, id);
        assert.equal(text(id, "zh"), zh, id);
      }
      for (const row of rows) {
        const { kind } = badge(row, ledger);
        assert.equal(kind === "validated", claims(row, "osaid").some(({ is }) => is.passes) && kind === "validated", row.id);
        if (kind === "validated") assert.ok(claims(row, "osaid").every(({ by }) => row.sources[by]));
      }
    },
  ],
  [
    "an ancestor's restrictions are its descendants'",
    () => {
      const free = made({ licence: "apache-2.0" });
      assert.equal(badge(free, ledger).kind, "weights");
      assert.equal(badge(free, ledger, [made({ licence: "llama2" })]).kind, "available");
      assert.equal(badge(made({ licence: "mit OR apache-2.0" }), ledger).kind, "weights");
      assert.equal(badge(made({}), ledger).kind, "unknown");
      assert.equal(badge(made({ weights: "withheld" }), ledger).kind, "closed");
      assert.equal(badge(made({ licence: "apache-2.0", osaid: { passes: true, who: "X", when: "2024", of: "Y" } }), ledger).kind, "validated");
      assert.equal(badge(made({ licence: "llama2", osaid: { passes: true, who: "X", when: "2024", of: "Y" } }), ledger).kind, "available");
    },
  ],
  ...Object.keys(ledger.words.clauses).map((kind) => /** @type {[string, () => void]} */ ([
    `a clause speaks both languages: ${kind}`,
    () => {
      assert.ok(spoken[kind]?.length, `tests/data/ledger/clauses.json has no ${kind}`);
      for (const { clause, en, zh } of spoken[kind]) {
        assert.equal(clauseText({ kind, by: "x", ...clause }, ledger, "en"), en);
        assert.equal(clauseText({ kind, by: "x", ...clause }, ledger, "zh"), zh);
      }
    },
  ])),
  [
    "every row has its three sentences in both languages, and none has holes",
    () => {
      for (const row of rows) {
        for (const language of BOTH) {
          const { may, not, take } = sheet(row, ledger, language);
          for (const text of [may, not, take, caveat("2026-11-29", ledger, language)]) {
            assert.ok(text && !/undefined|null|NaN|[{}[\]]/.test(text), `${row.id}: ${text}`);
            assert.match(text, language === "zh" ? /。$/ : /\.$/);
            assert.equal(/[\u4e00-\u9fff]/.test(text), language === "zh", text);
          }
        }
        for (const clause of clauses(row, ledger)) assert.ok(clause.source?.url, `${row.id}: ${clause.kind}`);
      }
    },
  ],
  [
    "the sheet of Llama 2 tells the cap, the training, the policy, the gate",
    () => {
      const { may, not, take } = sheet(rowOf("llama-2"), ledger, "en");
      assert.match(may, /^You may use, change and share it, also commercially; you must pass its licence/);
      assert.match(not, /700 million users a month.*improve other language models.*use policy/);
      assert.match(take, /Meta can end your licence.*Meta decides who may download it/);
      assert.match(sheet(rowOf("llama-2"), ledger, "zh").not, /7亿/);
    },
  ],
  [
    "a file that claims Apache-2.0 of a research-only ancestor shows both, and the conflict",
    async () => {
      const file = { licence: "apache-2.0", baseModels: [{ name: "Llama 7b Hf", organisation: "X", address: "https://huggingface.co/x/research-7b" }] };
      const found = await trace(file, withRows(made({ id: "research", name: "Research 7B", licence: "llama1", hub: ["x/research-*"], clause: "research_only" })));
      assert.equal(found.licence, "Apache License 2.0");
      assert.equal(found.ancestors[0].row?.id, "research");
      assert.equal(found.conflicts.length, 1);
      assert.equal(conflictText(found.conflicts[0], ledger, "en"), "This file says Apache License 2.0; its stated ancestor Research 7B says LLaMA non-commercial licence.");
      assert.equal(conflictText(found.conflicts[0], ledger, "zh"), "此文件称 Apache License 2.0；其声明的上游模型 Research 7B称 LLaMA non-commercial licence。");
      assert.ok(found.conflicts[0].claims[1].source?.url);
      // and of one that is in the ledger, whose own ancestor is LLaMA
      const real = await trace({ licence: "apache-2.0", baseModels: ["lmsys/vicuna-13b-v1.3"] }, ledger);
      assert.deepEqual(real.ancestors.map(({ row }) => row?.id), ["vicuna", "llama-1"]);
      assert.equal(real.conflicts.length, 2);
      // and of one that is bound by no licence of its own
      const bound = await trace({ licence: "apache-2.0", baseModels: ["x/bound"] }, withRows(made({ name: "Bound", licence: "mit", hub: ["x/bound"], clause: "research_only" })));
      assert.equal(conflictText(bound.conflicts[0], ledger, "en"), "This file says Apache License 2.0; its stated ancestor Bound says you may not use it for anything but research.");
      assert.match(conflictText(bound.conflicts[0], ledger, "zh"), /Bound称 你不可以将它用于研究以外的用途。$/);
    },
  ],
  [
    "an ancestor of an ancestor counts, and a circle ends",
    async () => {
      const top = made({ id: "top", name: "Top", licence: "llama2", hub: ["x/top"], base: ["x/middle"] });
      const middle = made({ id: "middle", name: "Middle", hub: ["x/middle"], base: ["x/top"] });
      const found = await trace({ licence: "mit", baseModels: ["x/middle"] }, withRows(top, middle));
      assert.deepEqual(found.ancestors.map(({ name }) => name), ["Middle", "Top"]);
      assert.equal(found.conflicts.length, 1);
    },
  ],
  [
    "permissive models of the llama architecture show no warning",
    async () => {
      for (const file of json("tests/data/ledger/permissive.json")) assert.deepEqual((await trace(file, ledger)).conflicts, [], file.name);
    },
  ],
  [
    "a file that states nothing is not stated, and nothing is guessed from its name",
    async () => {
      const found = await trace(/** @type {any} */ ({ name: "llama-2-7b.Q4_K_M.gguf", architecture: "llama" }), ledger);
      assert.deepEqual(found, { id: null, licence: null, hubLicence: null, ancestors: [], conflicts: [] });
      const unknown = await trace({ baseModels: ["nobody/knows-this"] }, ledger);
      assert.deepEqual(unknown.ancestors, [{ name: "nobody/knows-this", row: null }]);
      assert.equal(ledger.words.grades.unknown.en, "not stated");
      assert.equal(badgeText(badge(made({}), ledger), ledger, "en"), "Not stated");
    },
  ],
  [
    "a file and its page on a hub that disagree are in conflict",
    async () => {
      const found = await trace({ licence: "mit" }, ledger, { licence: "other", licenceName: "llama3.2" });
      assert.equal(conflictText(found.conflicts[0], ledger, "en"), "This file says MIT License; its page on the hub says Llama 3.2 Community License.");
      assert.deepEqual((await trace({ licence: "Apache 2.0" }, ledger, { licence: "apache-2.0" })).conflicts, []);
      // one of which one may choose
      const { id, licence } = await trace({ licence: "MIT OR Apache-2.0" }, ledger);
      assert.deepEqual([id, licence], ["mit OR apache-2.0", "MIT License / Apache License 2.0"]);
      assert.equal((await trace({ licence: "MIT OR something" }, ledger)).id, null);
    },
  ],
  [
    "a field with two claims is a conflict that names both sources",
    () => {
      const row = made({});
      row.fields.licence = [
        { is: "mit", by: "a" },
        { is: "apache-2.0", by: "b" },
      ];
      row.sources.b = { ...row.sources.a, title: "B" };
      assert.equal(conflictText(conflicts(row, ledger)[0], ledger, "en"), "A says MIT License; B says Apache License 2.0.");
      assert.deepEqual(conflicts(rowOf("bloomz"), ledger), []);
    },
  ],
  [
    "the export answers Annex XII point by point, with sources",
    () => {
      const { points } = annexXII(rowOf("llama-2"), ledger);
      const wanted = ["1(a)", "1(b)", "1(c)", "1(d)", "1(e)", "1(f)", "1(g)", "1(h)", "2(a)", "2(b)", "2(c)"];
      assert.deepEqual(Object.keys(points).map((point) => point.split(" ")[0]), wanted);
      assert.equal(points["1(h) licence"].licence[0].value, "llama2");
      assert.match(points["1(h) licence"].licence[0].source, /^https:/);
      assert.equal(points["1(d) interaction"], null);
      assert.equal(points["2(c) data"].grades[0].value, "closed");
      for (const row of rows) assert.deepEqual(JSON.parse(JSON.stringify(annexXII(row, ledger))), annexXII(row, ledger));
    },
  ],
  [
    "the service worker keeps rows when they are asked for, and a changed ledger anew",
    async () => {
      const www = path.join(ROOT, "www");
      assert.ok(Object.keys(hashes(www, true)).length === rows.length + 3 && !Object.keys(hashes(www)).some((file) => file.startsWith("ledger/")));
      const { ask, kept, served, told } = serviceWorker(version(www));
      await told("install");
      assert.deepEqual([...kept.keys()], []);
      const row = "ledger/bloomz.json";
      served.set(row, readFileSync(path.join(www, row), "utf8"));
      assert.equal(JSON.parse(await ask(row)).id, "bloomz");
      assert.deepEqual([...kept.keys()], [`https://example.org/a/${row}?ledger=${version(www)}`]);
      served.delete(row);
      assert.equal(JSON.parse(await ask(row)).id, "bloomz", "not without the host");
      served.set("ledger/alpaca.json", "<p>Log in to this network</p>");
      assert.match(await ask("ledger/alpaca.json"), /Log in/);
      assert.equal(kept.size, 1, "it kept what is no row");
      kept.set(`https://example.org/a/${row}?ledger=older`, new Response("{}"));
      await told("activate");
      assert.equal(kept.size, 1, "it did not let go of an earlier version");
    },
  ],
  [
    "rows come when asked for, once, and a row without a source is an error",
    async () => {
      /** @type {string[]} */
      const asked = [];
      const get = async (/** @type {string} */ file) => (asked.push(file), file.endsWith("bad.json") ? { id: "bad", fields: { name: { is: "Bad", by: "nobody" } }, clauses: [], grades: [], sources: {} } : json(file));
      const fresh = await openLedger({ base: "www/ledger/", get });
      assert.deepEqual(asked.map((file) => path.basename(file)).sort(), ["index.json", "licences.json", "words.json"]);
      await Promise.all([fresh.row("bloomz"), fresh.row("bloomz")]);
      assert.equal(asked.length, 4);
      await assert.rejects(fresh.row("bad"), { code: "bad-file" });
    },
  ],
];

/** www/sw.js with a cache and a host that are not there otherwise. @param {string} ledger */
function serviceWorker(ledger) {
  const [kept, served] = [/** @type {Map<string, Response>} */ (new Map()), /** @type {Map<string, string>} */ (new Map())];
  const cache = {
    keys: async () => [...kept.keys()].map((url) => ({ url })),
    match: async (/** @type {string} */ key) => kept.get(key)?.clone(),
    put: async (/** @type {string} */ key, /** @type {Response} */ response) => void kept.set(key, response),
    delete: async (/** @type {{ url: string }} */ { url }) => kept.delete(url),
  };
  /** @type {Record<string, (event: any) => void>} */
  const on = {};
  const self = {
    importScripts: () => Object.assign(self, { nomoatShell: {}, nomoatLedger: ledger }),
    addEventListener: (/** @type {string} */ name, /** @type {(event: any) => void} */ run) => (on[name] = run),
    clients: { matchAll: async () => [], claim: async () => {} },
  };
  const location = { href: "https://example.org/a/sw.js" };
  const fetch = async (/** @type {{ url: string }} */ { url }) => {
    const text = served.get(url.replace("https://example.org/a/", ""));
    if (text === undefined) throw new TypeError("there is no host");
    return new Response(text);
  };
  runInNewContext(readFileSync(path.join(ROOT, "www/sw.js"), "utf8"), { self, location, fetch, caches: { open: async () => cache }, crypto, URL, Response, Headers });
  const told = async (/** @type {string} */ name, /** @type {any} */ event = {}) => {
    /** @type {any} */
    let answer;
    on[name]({ ...event, waitUntil: (/** @type {any} */ one) => (answer = one), respondWith: (/** @type {any} */ one) => (answer = one) });
    return answer;
  };
  return { kept, served, told, ask: async (/** @type {string} */ file) => (await told("fetch", { request: { method: "GET", url: `https://example.org/a/${file}` } })).text() };
}

/** A row with what is asked for, from one source. @param {Record<string, any>} what @returns {Row} */
function made({ id = "made", name = "Made", weights = "published", clause, ...more }) {
  const fields = Object.fromEntries(Object.entries({ name, weights, ...more }).map(([key, is]) => [key, { is, by: "a" }]));
  const read = { title: "A", url: "https://example.org/", read: "2026-11-29" };
  return { id, fields, clauses: clause ? [{ kind: clause, by: "a", section: "1" }] : [], grades: [], sources: { a: read } };
}

/** The ledger, with other rows. @param {Row[]} all @returns {import("../../www/ledger.js").Ledger} */
function withRows(...all) {
  const listed = JSON.parse(index(all));
  const find = (/** @type {string} */ name) => listed.find((/** @type {any} */ { hub }) => hub.some((/** @type {string} */ one) => name.startsWith(one.replace("*", ""))));
  return { ...ledger, rows: listed, find, row: async (id) => /** @type {Row} */ (all.find((row) => row.id === id)) };
}

/** @param {string} code */
function withoutComments(code) {
  return code.replaceAll(/\/\*[^]*?\*\/|<!--[^]*?-->|(^|\s)\/\/.*$/gm, " ");
}

const NO_TRACKER = `skipped: the tracker's files are not at ${TRACKER} (NOMOAT_SHARED)`;
let [passed, failed, skipped] = [0, 0, 0];
for (const [name, run] of tests) {
  if (!name.includes(values.filter)) continue;
  try {
    const note = await run();
    if (note?.startsWith("skipped: ")) {
      skipped++;
      console.log(`skipped: ledger: ${name} (${note.slice(9)})`);
    } else {
      passed++;
      console.log(`ok      ledger: ${name}${note ? ` (${note})` : ""}`);
    }
  } catch (error) {
    failed++;
    console.log(`failed: ledger: ${name} (${error instanceof Error ? error.message : error})`);
  }
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed ? 1 : 0);
