// Parts of what is shown of a model: what others measured, what can be taken along, and the question before a download.

import { annexXII, claims, conflictText } from "../../ledger.js";
import { copy, download } from "../copy.js";
import { keep, kept } from "../kept.js";
import { make } from "../make.js";
import { current } from "../words.js";
import { aside, link, say } from "./cells.js";
import { choose } from "./compare.js";

/** @typedef {import("../../ledger.js").Row} Row @typedef {import("../../ledger.js").Ledger} Ledger */

/** Where it is kept whose restrictions somebody has read. */
const READ = "nomoat-terms";

/** Shown of a row beside its licence and the yardsticks. */
const FACTS = ["developer", "released", "datasets", "training_code", "checkpoints", "cutoff", "gate"];

export const today = () => new Date().toISOString().slice(0, 10);

/** @param {string} title @param {Node[]} children */
export const folded = (title, ...children) => make("details", {}, make("summary", {}, title), ...children);

/** Where sources say different things. @param {import("../../ledger.js").Conflict[]} all @param {Ledger} ledger */
export function clash(all, ledger) {
  const { conflict, fields } = ledger.words.page;
  const lines = all.map((each) => make("p", {}, `${say(fields[each.field] ?? { en: each.field, zh: each.field })}: `, conflictText(each, ledger, current())));
  return lines.length ? [make("div", { class: all[0].field === "licence" ? "caution" : "calm" }, make("strong", {}, say(conflict)), ...lines)] : [];
}

/** Of its files, as the hub lists them. @param {{ name: string, sha256: string }[]} files @param {Ledger} ledger */
export function hashes(files, { words }) {
  const lines = files.map(({ name, sha256 }) => make("p", { class: "hash" }, `SHA-256 ${sha256} ${name}`));
  return lines.length > 1 ? folded("SHA-256", ...lines) : (lines[0] ?? aside(`SHA-256: ${say(words.grades.unknown)}`));
}

/** What a field or a yardstick says, a line a claim, each with its source. @param {Row} row @param {string} field @param {Ledger} ledger @returns {Node[]} */
export function told(row, field, { words, terms }) {
  const { page } = words;
  /** @param {any} is */
  const text = (is) => {
    if (field === "mot") return say(page.motIs, { ...is, class: say(words.mot[is.class]) });
    if (field === "osaid") return say(is.passes ? page.osaidYes : page.osaidNo, { ...is, who: is.who[current()] ?? is.who });
    if (field === "fmti") return say(page.fmtiIs, is);
    if (field === "licence") return is.split(" OR ").map((/** @type {string} */ one) => terms.licences[one].name).join(" / ");
    if (field === "gate") return say(page.gates[is]);
    return [is].flat().join(", ");
  };
  const all = claims(row, field).map(({ is, by }) => make("div", {}, text(is), aside(link(row.sources[by].url, row.sources[by].title))));
  return all.length ? all : [aside(say(words.grades.unknown))];
}

/** @param {Row} row @param {string | null} says The licence as the file states it. @param {{ name: string, row: Row | null }[]} ancestors @param {Ledger} ledger */
export function yardsticks(row, says, ancestors, ledger) {
  const { fields } = ledger.words.page;
  /** @type {[string, Node[]][]} */
  const all = ["licence", "osaid", "mot", "fmti", ...FACTS].map((field) => [field, told(row, field, ledger)]);
  if (says && !row.fields.licence) all[0][1] = [make("div", {}, says, aside(row.sources.file.title))];
  all.push(["base", ancestors.length ? ancestors.map(({ name }) => make("div", {}, name)) : [aside(say(ledger.words.grades.unknown))]]);
  return make("dl", { class: "terms" }, ...all.flatMap(([field, lines]) => [make("dt", {}, say(fields[field])), make("dd", {}, ...lines)]));
}

/** What can be done with what is shown. @param {Row} row @param {string} summary @param {Ledger} ledger @param {boolean} [ask] In the sheet before a download, from which there is nowhere to go to. */
export function acts(row, summary, ledger, ask) {
  const { page } = ledger.words;
  /** @param {any} words @param {() => void} pressed */
  const button = (words, pressed) => {
    const node = make("button", { type: "button" }, say(words));
    node.addEventListener("click", pressed);
    return node;
  };
  const name = claims(row, "name")[0].is;
  const report = [`nomoat, openness ledger: ${name} (${row.id || "?"}), ${today()}`, summary, ...Object.values(row.sources).map(({ title, url, read }) => `- ${title} ${url} (${read})`), "?"].join("\n");
  const text = make("pre", { tabindex: 0, role: "region", "aria-label": say(page.mistake) }, report);
  const copied = button(page.copy, async () => {
    if (await copy(report)) copied.textContent = say(page.copied);
    else getSelection()?.selectAllChildren(text);
  });
  const aloud = button(page.export, () => download(`${row.id || "model"}-annex-xii.json`, "application/json", JSON.stringify(annexXII(row, ledger), null, 2)));
  const beside = button(page.compareWith, () => {
    choose(row.id);
    beside.dispatchEvent(new CustomEvent("nomoat-side-show", { detail: { name: "openness" }, bubbles: true }));
  });
  const more = row.id && !ask ? [beside] : [];
  return [make("div", { class: "row" }, ...more, aloud), folded(say(page.mistake), aside(say(page.mistakeHow)), text, copied)];
}

/**
 * The question whether the restrictions were read; who has said so for these is not asked again. Before a download it has to be
 * answered; of a model that is here already it is said that nobody has.
 * @param {string} licence @param {(import("../../ledger.js").Clause & { source: import("../../ledger.js").Source })[]} limits @param {Ledger} ledger
 * @param {boolean} [ask]
 */
export async function read(licence, limits, { words: { page } }, ask) {
  const what = new TextEncoder().encode(JSON.stringify([licence, limits]));
  // a page that came without encryption may not compute one
  const digest = new Uint8Array((await crypto.subtle?.digest("SHA-256", what)) ?? what);
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const all = JSON.parse(kept(READ) ?? "{}");
  if (all[sha256]) return aside(say(page.agreed, all[sha256]));
  const box = make("input", { type: "checkbox", name: "terms", required: Boolean(ask) });
  box.addEventListener("change", () => {
    if (box.checked) all[sha256] = { licence, date: today() };
    else delete all[sha256];
    keep(READ, JSON.stringify(all));
  });
  const question = make("label", { class: "row agree" }, box, say(page.agree));
  return ask ? question : make("div", { class: "caution" }, make("p", {}, say(page.unread)), question);
}
