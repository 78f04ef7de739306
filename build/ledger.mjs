// The rules of the openness ledger, and its list of rows: `node build/ledger.mjs` checks all of www/ledger and writes
// www/ledger/index.json. What was read, and when, is in tests/data/ledger/read.json: nothing else may be cited.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const folder = path.join(root, "www/ledger");

/** Every row has all of them, if only as `null`: not stated. What a value is, as a test. @type {Record<string, (value: any) => boolean>} */
export const FIELDS = {
  name: text,
  developer: text,
  released: (value) => /^\d{4}(-\d\d(-\d\d)?)?$/.test(value),
  parameters: numbers,
  active: numbers,
  architecture: text,
  context: numbers,
  languages: texts,
  modality: texts,
  tasks: texts,
  weights: (value) => ["published", "withheld"].includes(value),
  hub: texts,
  licence: text,
  licence_code: text,
  licence_data: text,
  gate: (value) => ["none", "agree", "manual"].includes(value),
  base: texts,
  datasets: texts,
  tokens: number,
  cutoff: text,
  opt_out: text,
  training_code: url,
  checkpoints: url,
  logs: url,
  compute: text,
  osaid: (value) => typeof value?.passes === "boolean" && (text(value.who) || (text(value.who?.en) && text(value.who?.zh))) && text(value.when) && text(value.of),
  mot: (value) => text(value?.of) && [0, 1, 2, 3].includes(value.class) && number(value.listed) && number(value.licensed),
  fmti: (value) => text(value?.developer) && number(value.score) && number(value.year),
};

/** Fields whose value is one of licences.json, or several with ` OR `. */
export const LICENCES = ["licence", "licence_code", "licence_data"];

function text(/** @type {any} */ value) {
  return typeof value === "string" && value.trim() !== "";
}
function texts(/** @type {any} */ value) {
  return Array.isArray(value) && value.length > 0 && value.every(text);
}
function number(/** @type {any} */ value) {
  return Number.isFinite(value) && value >= 0;
}
function numbers(/** @type {any} */ value) {
  return Array.isArray(value) && value.length > 0 && value.every(number);
}
function url(/** @type {any} */ value) {
  return /^https:\/\//.test(value);
}

const DAY = /^\d{4}-\d\d-\d\d$/;
const DOI = /^10\.\d{4,}\/\S+$/;
const CRITERIA = 14;

/** Names that have the words in them, which are not said of a model. */
const PROPER = /Open Source (Initiative|AI Definition|AI Index)|开放源代码促进会/g;
const SAID = /open[\s-]?source|開源|开源|开放源代码/i;

/** Whether a text calls something what only an outside validation may. @param {string} words */
export const calls = (words) => SAID.test(words.replaceAll(PROPER, ""));

/** @param {unknown} value @returns {string[]} All texts in a value, however deep. */
export function textsOf(value) {
  if (typeof value === "string") return [value];
  return value && typeof value === "object" ? Object.values(value).flatMap(textsOf) : [];
}

/**
 * @typedef {Record<string, { at?: string, read: string, sha256?: string, states?: string[] }>} Register What was read, by its address.
 * @typedef {{ register: Register, terms: any, words: any, ids: string[] }} Known
 */

/** What is wrong with the sources of a row, and with what is cited from them. @param {any} row @param {Known} known @returns {string[]} */
function citations(row, { register }) {
  /** @type {string[]} */
  const found = [];
  const sources = Object.entries(row.sources ?? {});
  for (const [id, source] of sources) {
    const read = register[source.url];
    if (!text(source.title)) found.push(`source ${id}: no title`);
    if (!DAY.test(source.read ?? "")) found.push(`source ${id}: no date on which it was read`);
    if (!read) found.push(`source ${id}: nobody read ${source.url}`);
    else if (read.read !== source.read || read.at !== source.at) found.push(`source ${id}: read at ${read.at} on ${read.read}, not at ${source.at} on ${source.read}`);
  }
  // an address, a revision or a hash is a source's own, or stands in one
  const stated = new Set(sources.flatMap(([, { url, at }]) => [url, at, ...(register[url]?.states ?? [])]));
  const { sources: _, ...rest } = row;
  for (const words of textsOf(rest)) {
    for (const [address] of words.matchAll(/https?:\/\/[^\s"]+/g)) if (!stated.has(address)) found.push(`nobody read ${address}`);
    for (const [hash] of words.matchAll(/\b[0-9a-f]{40,64}\b/g)) if (![...stated].some((one) => one?.includes(hash))) found.push(`nobody read the hash ${hash}`);
    for (const [doi] of words.matchAll(/\b10\.\d{4,}\/\S+/g)) if (![...stated].some((one) => one?.includes(doi))) found.push(`nobody read the DOI ${doi}`);
  }
  for (const { is, by } of [row.fields?.hub ?? []].flat()) {
    const names = [row.sources?.[by]?.url, ...(register[row.sources?.[by]?.url]?.states ?? [])].join("\n").toLowerCase();
    for (const name of is ?? []) if (!names.includes(String(name).replace(/\*$/, "").toLowerCase())) found.push(`hub: ${by} does not name ${name}`);
  }
  return found;
}

/** @param {any[]} list @param {any} row @param {any} words @returns {string[]} */
function clauseFaults(list, row, words) {
  return list.flatMap((clause) => {
    const kind = words.clauses[clause.kind];
    if (!kind) return [`clause ${clause.kind}: no such kind`];
    const found = row.sources?.[clause.by] ? [] : [`clause ${clause.kind}: no source`];
    if (!clause.section && !/^gate/.test(clause.kind)) found.push(`clause ${clause.kind}: no section`);
    const must = [...kind.en.replaceAll(/\[[^\]]*\]/g, "").matchAll(/\{(\w+)\}/g)].map(([, key]) => key);
    for (const key of must) if (clause[key] === undefined) found.push(`clause ${clause.kind}: no ${key}`);
    return found;
  });
}

/** @param {any} grades @param {any} row @param {any} words @returns {string[]} */
function gradeFaults(grades, row, words) {
  /** @type {string[]} */
  const found = [];
  const say = (/** @type {string} */ what) => found.push(`grades, version ${grades.version}: ${what}`);
  const keys = Object.keys(words.criteria[grades.version] ?? {});
  if (!keys.length) say("there is no such version");
  if (!row.sources?.[grades.by]) say("no source");
  for (const key of ["of", "rater", "date"]) if (!text(grades[key])) say(`no ${key}`);
  if (!new RegExp(`^[OPC?-]{${CRITERIA}}$`).test(grades.marks ?? "")) say("not 14 marks of O, P, C, ? and -");
  if (grades.links?.length !== CRITERIA) say("not 14 links");
  keys.forEach((key, at) => {
    if (grades.marks?.[at] !== "O") return;
    if (!grades.links?.[at] && !text(grades.notes?.[key])) say(`${key} is open without evidence`);
    if (key === "paper" && !DOI.test(grades.doi ?? "")) say("paper is open without a DOI");
  });
  return found;
}

/** What is wrong with a row. @param {any} row @param {Known} known @returns {string[]} */
export function faults(row, known) {
  const { terms, words } = known;
  /** @type {string[]} */
  const found = [];
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(row.id ?? "")) found.push(`id: ${row.id}`);
  for (const key of Object.keys(row)) if (!["id", "fields", "clauses", "grades", "sources"].includes(key)) found.push(`${key}: no such part`);
  for (const key of Object.keys(row.fields ?? {})) if (!FIELDS[key]) found.push(`${key}: no such field`);
  for (const [key, right] of Object.entries(FIELDS)) {
    const value = row.fields?.[key];
    if (value === undefined) found.push(`${key}: missing; what nobody stated is null`);
    if (Array.isArray(value) && value.length < 2) found.push(`${key}: a list is for more claims than one`);
    for (const claim of [value ?? []].flat()) {
      if (!text(claim.by)) found.push(`${key}: no source`);
      else if (!row.sources?.[claim.by]) found.push(`${key}: ${claim.by} is no source`);
      if (!right(claim.is)) found.push(`${key}: ${JSON.stringify(claim.is)}`);
      else if (LICENCES.includes(key)) for (const one of claim.is.split(" OR ")) if (!terms.licences[one]) found.push(`${key}: ${one} is not in licences.json`);
    }
  }
  if (!row.fields?.name) found.push("name: not stated");
  const validated = [row.fields?.osaid ?? []].flat().some(({ is }) => is?.passes);
  if (!validated) for (const words of textsOf({ ...row, sources: Object.values(row.sources ?? {}).map(({ title }) => title) })) if (calls(words.replaceAll(/https?:\/\/\S+/g, ""))) found.push(`says what only a validation may: ${words}`);
  found.push(...clauseFaults(row.clauses ?? [], row, words), ...(row.grades ?? []).flatMap((/** @type {any} */ grades) => gradeFaults(grades, row, words)));
  found.push(...citations(row, known));
  return found;
}

/** What is wrong with licences.json. @param {any} terms @param {Known} known @returns {string[]} */
export function termFaults(terms, known) {
  const found = citations({ ...terms, fields: {} }, known);
  for (const [id, licence] of Object.entries(terms.licences)) {
    if (!text(licence.name)) found.push(`${id}: no name`);
    if (calls(licence.name)) found.push(`${id}: ${licence.name}`);
    if (licence.osi && (typeof licence.osi.is !== "boolean" || !terms.sources[licence.osi.by])) found.push(`${id}: OSI approval without a source`);
    if (licence.text && !terms.sources[licence.text]) found.push(`${id}: its text is no source`);
    if (!licence.text && licence.clauses.length) found.push(`${id}: clauses of a text that nobody read`);
    found.push(...clauseFaults(licence.clauses, terms, known.words).map((fault) => `${id}: ${fault}`));
  }
  for (const [from, to] of Object.entries(terms.alias)) if (!terms.licences[to]) found.push(`alias ${from}: no licence ${to}`);
  return found;
}

/** What is wrong with the words. @param {any} words @returns {string[]} */
export function wordFaults(words) {
  /** @type {string[]} */
  const found = [];
  const go = (/** @type {any} */ value, /** @type {string} */ at) => {
    if (!value || typeof value !== "object") return;
    if ("en" in value || "zh" in value) {
      for (const language of ["en", "zh"]) {
        if (typeof value[language] !== "string") found.push(`${at}: no ${language}`);
        else if (at !== "badges.validated" && calls(value[language])) found.push(`${at}: says what only a validation may`);
      }
      const keys = (/** @type {string} */ one) => [...new Set([...String(one).matchAll(/\{(\w+)\}/g)].map(([, key]) => key))].sort().join();
      if (keys(value.en) !== keys(value.zh)) found.push(`${at}: not the same values in both languages`);
    } else for (const [key, inner] of Object.entries(value)) go(inner, at ? `${at}.${key}` : key);
  };
  go(words, "");
  for (const version of ["1", "2"]) if (Object.keys(words.criteria[version]).length !== CRITERIA) found.push(`criteria ${version}: not 14`);
  return found;
}

/** @param {string} name */
export const json = (name) => JSON.parse(readFileSync(path.join(folder, `${name}.json`), "utf8"));

/** All rows and what they are held to. */
export function everything() {
  const names = readdirSync(folder).map((name) => path.basename(name, ".json"));
  const ids = names.filter((name) => !["index", "licences", "words"].includes(name)).sort();
  const register = JSON.parse(readFileSync(path.join(root, "tests/data/ledger/read.json"), "utf8"));
  return { rows: ids.map(json), known: { register, terms: json("licences"), words: json("words"), ids } };
}

/** What stands in index.json. @param {any[]} rows */
export function index(rows) {
  const first = (/** @type {any} */ row, /** @type {string} */ field) => [row.fields[field] ?? []].flat()[0]?.is ?? null;
  const listed = rows.map((row) => ({ id: row.id, name: first(row, "name"), developer: first(row, "developer"), weights: first(row, "weights"), hub: [row.fields.hub ?? []].flat().flatMap(({ is }) => is) }));
  return `[\n${listed.map((one) => JSON.stringify(one)).join(",\n")}\n]\n`;
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { rows, known } = everything();
  const found = [...rows.flatMap((row) => faults(row, known).map((fault) => `${row.id}: ${fault}`)), ...termFaults(known.terms, known), ...wordFaults(known.words)];
  for (const fault of found) console.error(`error: ${fault}`);
  writeFileSync(path.join(folder, "index.json"), index(rows));
  process.exitCode = found.length ? 1 : 0;
}
