// The openness ledger: what is known of a model and who says so, from ledger/. Rows come when asked for. Facts and grades are the
// rows'; badges, sentences and conflicts are made here. It has no score of its own, and what nobody stated stays "not stated".

import { NomoatError } from "./protocol.js";

/**
 * @typedef {"en" | "zh"} Language
 * @typedef {"open" | "partial" | "closed" | "unknown"} Grade
 * @typedef {Record<Language, string>} Both
 *
 * @typedef {object} Source What was read.
 * @property {string} title
 * @property {string} url
 * @property {string} [at] The revision that was read.
 * @property {string} read The day it was read.
 *
 * @typedef {{ is: any, by: string }} Claim `by` names one of the sources.
 *
 * @typedef {{ kind: string, by: string, section?: string } & Record<string, any>} Clause A fact of a licence or of a gate. What
 *   else a kind has, its words name: `{users}`, `{who}` …
 *
 * @typedef {object} Grades By one rater, of one version of the 14 criteria.
 * @property {1 | 2} version 1: the tracker of 2023. 2: the European index, since 2025.
 * @property {string} of What was graded.
 * @property {string} rater
 * @property {string} date Of the revision that was read.
 * @property {string} by
 * @property {boolean} [self] By the model's own makers.
 * @property {string} marks 14 of O, P, C, ? and - (does not apply), in the order of the words' criteria.
 * @property {(string | null)[]} links
 * @property {Record<string, string>} [notes] By key, in our words: what the rater names where there is no link.
 * @property {string} [doi] Of the paper.
 *
 * @typedef {object} Row
 * @property {string} id
 * @property {Record<string, Claim | Claim[] | null>} fields `null`: not stated. More than one claim: who says what.
 * @property {Clause[]} clauses Of this model, beside those of its licence.
 * @property {Grades[]} grades
 * @property {Record<string, Source>} sources
 *
 * @typedef {object} Licence
 * @property {string} name
 * @property {Claim | null} osi Whether the Open Source Initiative has approved it.
 * @property {string | null} text The source that is its text; `null`: not read, so its clauses are not stated.
 * @property {Clause[]} clauses
 *
 * @typedef {{ licences: Record<string, Licence>, alias: Record<string, string>, sources: Record<string, Source> }} Licences
 * @typedef {{ id: string, name: string, developer: string | null, weights: string | null, hub: string[] }} Listed
 *
 * @typedef {object} Ledger
 * @property {Listed[]} rows
 * @property {Licences} terms
 * @property {any} words words.json
 * @property {(id: string) => Promise<Row>} row
 * @property {(name: string) => Listed | undefined} find By a name on a hub, `owner/name`.
 *
 * @typedef {object} Stated What a file or its page on a hub says: the engine's card, or what was found on the hub.
 * @property {string | null} [licence]
 * @property {string | null} [licenceName]
 * @property {(string | { name: string, organisation?: string | null, address?: string | null })[] | null} [baseModels]
 *
 * @typedef {{ kind: "closed" | "available" | "weights" | "published" | "validated" | "unknown", who?: string | Both, when?: string, by?: string }} Badge
 * @typedef {{ field: string, claims: { who: string, says: string | Both, source?: Source }[] }} Conflict
 */

/** @type {Record<string, Grade | null>} */
const MARKS = { O: "open", P: "partial", C: "closed", "?": "unknown", "-": null };

/** Fetches the list of rows, what is known of licences, and the words. @param {{ base?: string, get?: (url: string) => Promise<any> }} [settings] @returns {Promise<Ledger>} */
export async function openLedger({ base = new URL("ledger/", import.meta.url).href, get = read } = {}) {
  const [rows, terms, words] = await Promise.all(["index", "licences", "words"].map((name) => get(`${base}${name}.json`)));
  /** @type {Map<string, Promise<Row>>} */
  const kept = new Map();
  return {
    rows,
    terms,
    words,
    find: (name) => rows.find((/** @type {Listed} */ { hub }) => hub.some((one) => named(one.toLowerCase(), name.split(/[:@]/)[0].toLowerCase()))),
    row(id) {
      const row = kept.get(id) ?? get(`${base}${id}.json`).then(sound);
      kept.set(id, row);
      // what failed is asked for again
      row.catch(() => kept.delete(id));
      return row;
    },
  };
}

/** @param {string} pattern Ends in `*` where an owner has several of a kind. @param {string} name */
const named = (pattern, name) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern);

/** @param {string} url */
async function read(url) {
  const response = await fetch(url).catch((cause) => {
    throw new NomoatError("network", `${url} did not come`, cause);
  });
  if (!response.ok) throw new NomoatError(response.status === 404 ? "not-found" : "network", `${url}: ${response.status}`);
  return response.json();
}

/** A row of which every claim has a source. @param {any} row @returns {Row} */
function sound(row) {
  const told = [...Object.values(row?.fields ?? {}).flat(), ...(row?.clauses ?? []), ...(row?.grades ?? [])].filter(Boolean);
  if (!told.length || !told.every(({ by }) => row.sources?.[by]?.read)) throw new NomoatError("bad-file", `ledger: the row ${row?.id} says something without a source`);
  return row;
}

/** What is claimed of a field, by whomever; nothing: not stated. @param {Row} row @param {string} field @returns {Claim[]} */
export const claims = (row, field) => /** @type {Claim[]} */ ([row.fields[field] ?? []].flat());

/** @param {Row} row @param {string} field */
const first = (row, field) => claims(row, field)[0]?.is ?? null;

/** Those of which one may choose. @param {string} id @param {Ledger} ledger */
const licencesOf = (id, { terms }) => id.split(" OR ").flatMap((one) => terms.licences[one] ?? []);

/** @param {Clause} clause @param {Ledger} ledger @returns {"not" | "must" | "take"} What you may not; what you must; who can take it away. */
const groupOf = ({ kind }, { words }) => words.clauses[kind].group;

/** Whether a licence lets anybody use the weights for anything, as far as known. @param {string} id @param {Ledger} ledger */
const free = (id, ledger) => licencesOf(id, ledger).some(({ osi, clauses }) => osi?.is === true && !clauses.some((clause) => groupOf(clause, ledger) === "not"));

/** @param {Row} row @param {Ledger} ledger @param {Row[]} [above] Its ancestors. @returns {Badge} */
export function badge(row, ledger, above = []) {
  const weights = first(row, "weights");
  if (weights !== "published") return { kind: weights ? "closed" : "unknown" };
  const stated = claims(row, "licence");
  const bound = row.clauses.some((clause) => groupOf(clause, ledger) === "not") || above.some((each) => ["closed", "available"].includes(badge(each, ledger).kind));
  if (!stated.length && !bound) return { kind: "unknown" };
  if (bound || !stated.every(({ is }) => free(is, ledger))) return { kind: "available" };
  const osaid = claims(row, "osaid").find(({ is }) => is.passes);
  if (osaid) return { kind: "validated", who: osaid.is.who, when: osaid.is.when, by: osaid.by };
  const own = row.grades.find(({ self, marks }) => self && marks.startsWith("OOOOOO"));
  return own ? { kind: "published", by: own.by } : { kind: "weights" };
}

/** @param {Badge} badge @param {Ledger} ledger @param {Language} language */
export const badgeText = ({ kind, who }, { words }, language) => fill(words.badges[kind][language], { who: typeof who === "object" ? who[language] : who });

/** The 14 cells of one rater. @param {Row} row @param {Grades} grades @param {Ledger} ledger */
export function strip({ sources }, { version, marks, links, notes = {}, rater, date, by, doi }, { words }) {
  const criteria = /** @type {[string, Both][]} */ (Object.entries(words.criteria[version]));
  return criteria.map(([key, name], at) => ({ key, name, grade: MARKS[marks[at]], link: links[at], note: notes[key], doi: key === "paper" ? doi : undefined, rater, date, source: sources[by] }));
}

/** The clauses that hold for a row: its licences' and its own. @param {Row} row @param {Ledger} ledger @returns {(Clause & { source: Source })[]} */
export function clauses(row, ledger) {
  const licensed = claims(row, "licence").flatMap(({ is }) => licencesOf(is, ledger)).flatMap((licence) => licence.clauses);
  const from = (/** @type {Record<string, Source>} */ sources) => (/** @type {Clause} */ clause) => ({ ...clause, source: sources[clause.by] });
  return [...licensed.map(from(ledger.terms.sources)), ...row.clauses.map(from(row.sources))];
}

/** Puts values in; what stands in [] stays out where it lacks one. @param {string} text @param {Record<string, any>} values @returns {string} */
export const fill = (text, values) =>
  text
    .replaceAll(/\[([^\]]*)\]/g, (_, part) => ([...part.matchAll(/\{(\w+)\}/g)].every(([, key]) => values[key]) ? part : ""))
    .replaceAll(/\{(\w+)\}/g, (_, key) => values[key]);

/** @param {Clause} clause @param {Ledger} ledger @param {Language} language */
function part(clause, { words }, language) {
  const number = new Intl.NumberFormat(language, { notation: "compact", compactDisplay: "long" });
  // what reads differently has both
  const values = Object.entries(clause).map(([key, value]) => [key, typeof value === "number" ? number.format(value) : (value?.[language] ?? value)]);
  const and = clause.show && clause.prefix && words.lead.and[language];
  return fill(words.clauses[clause.kind][language], { and, ...Object.fromEntries(values) });
}

/** @param {string[]} parts @param {Language} language */
function sentence(parts, language) {
  const text = parts.join(language === "zh" ? "；" : "; ");
  return text[0].toUpperCase() + text.slice(1) + (language === "zh" ? "。" : ".");
}

/** One plain sentence. @param {Clause} clause @param {Ledger} ledger @param {Language} language */
export const clauseText = (clause, ledger, language) => sentence([ledger.words.lead[groupOf(clause, ledger)][language] + part(clause, ledger, language)], language);

/** What you may do, what you may not, who can take it away: a sentence each. @param {Row} row @param {Ledger} ledger @param {Language} language */
export function sheet(row, ledger, language) {
  const { sheet: words, lead } = ledger.words;
  const weights = first(row, "weights");
  if (weights === "withheld") return { may: words.service[language], not: words.not[language], take: words.maker[language] };
  const all = clauses(row, ledger);
  /** @param {"not" | "must" | "take"} group */
  const of = (group) => {
    const parts = new Set(all.filter((clause) => groupOf(clause, ledger) === group).map((clause) => part(clause, ledger, language)));
    return [...parts].map((text, at) => (at ? "" : lead[group][language]) + text);
  };
  const texts = claims(row, "licence").flatMap(({ is }) => licencesOf(is, ledger));
  const whole = texts.length > 0 && texts.every(({ text }) => text);
  const has = (/** @type {string} */ kind) => all.some((clause) => clause.kind === kind);
  const may = words[has("research_only") ? "research" : has("non_commercial") ? "private" : "all"][language];
  const [not, take] = [of("not"), of("take")];
  return {
    may: whole ? sentence([may, ...of("must")], language) : words.may[language],
    not: not.length ? sentence(not, language) : words[whole ? "free" : "not"][language],
    take: take.length ? sentence(take, language) : words.take[language],
  };
}

/** What stands under a summary. @param {string} date @param {Ledger} ledger @param {Language} language */
export const caveat = (date, { words }, language) => fill(words.says.caveat[language], { date });

/** Fields that have several claims by their nature. */
const MANY = ["fmti", "mot", "osaid", "hub", "base", "datasets"];

/** Fields of which sources say different things. @param {Row} row @param {Ledger} ledger @returns {Conflict[]} */
export function conflicts(row, { terms }) {
  return Object.keys(row.fields).flatMap((field) => {
    if (MANY.includes(field)) return [];
    const all = claims(row, field).map(({ is, by }) => ({ who: row.sources[by].title, says: terms.licences[is]?.name ?? (typeof is === "object" ? JSON.stringify(is) : String(is)), source: row.sources[by] }));
    return new Set(all.map(({ says }) => says)).size > 1 ? [{ field, claims: all }] : [];
  });
}

/** A licence in a file's words, and which of the known ones it is, or which of them one may choose of. @param {Stated | undefined} stated @param {Ledger} ledger */
function claimed(stated, { terms: { licences, alias } }) {
  const { licence, licenceName } = stated ?? {};
  const said = [licence === "other" ? null : licence, licenceName, licence].flatMap((one) => one || []);
  const choices = said.map((one) => one.toLowerCase().split(" or ").map((each) => alias[each] ?? each)).find((all) => all.every((each) => licences[each]));
  return { id: choices?.join(" OR "), says: choices?.map((each) => licences[each].name).join(" / ") ?? said[0] ?? null };
}

/** `owner/name` of what a file says it was made from. @param {NonNullable<Stated["baseModels"]>[number]} base */
function hubName(base) {
  if (typeof base === "string") return base;
  const [, path] = /^https?:\/\/[^/]+\/([^/]+\/[^/?#]+)/.exec(base.address ?? "") ?? [];
  return path ?? [base.organisation, base.name].flatMap((one) => one || []).join("/").replaceAll(" ", "-");
}

/**
 * What a file says of itself beside what its stated ancestors' rows say. Nothing is concluded from its architecture or its name.
 * @param {Stated} file @param {Ledger} ledger @param {Stated} [hub] What the file's page on a hub says.
 * @returns {Promise<{ id: string | null, licence: string | null, hubLicence: string | null, ancestors: { name: string, row: Row | null }[], conflicts: Conflict[] }>} `null`: not stated. `id`: the licence, if it is a known one.
 */
export async function trace(file, ledger, hub) {
  /** @type {{ name: string, row: Row | null }[]} */
  const ancestors = [];
  const names = [...(file.baseModels ?? []), ...(hub?.baseModels ?? [])].map(hubName);
  // grows while it is gone through; each once, so that a circle ends
  for (const name of names) {
    // a row calls its ancestors by the names of their rows, where they have one
    const { id } = ledger.find(name) ?? ledger.rows.find((row) => row.id === name) ?? {};
    if (ancestors.some((one) => (id ? one.row?.id === id : one.name === name))) continue;
    const row = id ? await ledger.row(id) : null;
    ancestors.push({ name: row ? first(row, "name") : name, row });
    if (row) names.push(...claims(row, "base").flatMap(({ is }) => is));
  }
  const own = claimed(file, ledger);
  const theirs = claimed(hub, ledger);
  /** @type {Conflict[]} */
  const found = [];
  const add = (/** @type {Conflict["claims"]} */ ...told) => found.push({ field: "licence", claims: told });
  if (own.says && theirs.says && own.says !== theirs.says) add({ who: "file", says: own.says }, { who: "hub", says: theirs.says });
  const [who, { says, id }] = own.says ? ["file", own] : ["hub", theirs];
  for (const { name, row } of ancestors) {
    if (!row || !says) continue;
    const stated = claims(row, "licence").filter(({ is }) => is !== id && !free(is, ledger) && licencesOf(is, ledger).length);
    for (const { is, by } of stated) add({ who, says }, { who: name, says: licencesOf(is, ledger)[0].name, source: row.sources[by] });
    // bound by what is not in its licence
    const limit = row.clauses.find((clause) => groupOf(clause, ledger) === "not");
    if (limit && !stated.length) add({ who, says }, { who: name, says: both((language) => ledger.words.lead.not[language] + part(limit, ledger, language)), source: row.sources[limit.by] });
  }
  return { id: id ?? null, licence: own.says, hubLicence: theirs.says, ancestors, conflicts: found };
}

/** @param {(language: Language) => string} text @returns {Both} */
const both = (text) => ({ en: text("en"), zh: text("zh") });

/** @param {Conflict} conflict @param {Ledger} ledger @param {Language} language */
export function conflictText({ claims: told }, { words: { says, values } }, language) {
  const own = (/** @type {string} */ name) => name === "file" || name === "hub";
  const called = (/** @type {string} */ name) => (own(name) ? says[name][language] : own(told[0].who) ? fill(says.ancestor[language], { name }) : name);
  return sentence(told.map(({ who, says: what }) => fill(says.says[language], { who: called(who), what: typeof what === "object" ? what[language] : (values[what]?.[language] ?? what) })), language);
}

/** The points of Annex XII of Regulation (EU) 2024/1689 that fields answer. @type {Record<string, string[]>} */
const ANNEX = {
  "1(a) tasks": ["tasks"],
  "1(c) release and distribution": ["released", "weights", "hub"],
  "1(f) architecture and parameters": ["architecture", "parameters", "active"],
  "1(g) modality": ["modality"],
  "1(h) licence": ["licence"],
  "2(b) largest input": ["context"],
  "2(c) data": ["datasets", "cutoff"],
};

/** A row by the points of the EU AI Act's Annex XII; `null`: not stated. @param {Row} row @param {Ledger} ledger */
export function annexXII(row, ledger) {
  const from = (/** @type {any} */ value, /** @type {Source} */ { url, read }, more = {}) => ({ value, ...more, source: url, read });
  const told = (/** @type {string} */ field) => claims(row, field).map(({ is, by }) => from(is, row.sources[by]));
  const some = (/** @type {any[]} */ list) => (list.length ? list : null);
  const limits = clauses(row, ledger).filter((clause) => groupOf(clause, ledger) === "not");
  const answered = Object.entries(ANNEX).map(([point, fields]) => [point, Object.fromEntries(fields.map((field) => [field, some(told(field))]))]);
  /** @type {Record<string, any>} */
  const points = {
    ...Object.fromEntries(answered),
    "1(b) acceptable use": some(limits.map((clause) => from(clauseText(clause, ledger, "en"), clause.source, { section: clause.section }))),
    "1(d) interaction": null,
    "1(e) software versions": null,
    "2(a) technical means": null,
  };
  points["2(c) data"].grades = some(row.grades.map(({ version, of, rater, marks, by }) => from(MARKS[marks[1]], row.sources[by], { criteria: version, of, rater })));
  return { regulation: "(EU) 2024/1689, Annex XII", model: row.id, points: Object.fromEntries(Object.entries(points).sort(([a], [b]) => (a < b ? -1 : 1))) };
}
