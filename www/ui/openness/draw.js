// What the openness ledger knows of a model, as nodes: badge, conflicts, three sentences, strips, clauses, yardsticks, lineage.

import { parse } from "../../hub.js";
import { badge, badgeText, caveat, claims, clauses, clauseText, conflicts, openLedger, sheet, trace } from "../../ledger.js";
import { SEEDLING } from "../../seedling.js";
import { embeddedName } from "../../thread.js";
import { HUB } from "../lookup.js";
import { make } from "../make.js";
import { current } from "../words.js";
import { OPENNESS } from "../words/openness.js";
import { aside, link, say, strips } from "./cells.js";
import { compare } from "./compare.js";
import { acts, clash, folded, hashes, read, today, yardsticks } from "./parts.js";

/** @typedef {import("../../ledger.js").Row} Row @typedef {import("../../ledger.js").Ledger} Ledger */

/** @type {Promise<Ledger> | undefined} */
let ledger;

/** @param {any} of As `Shown` in ../openness.js; empty: two models that are chosen here. @returns {Promise<(Node | string)[]>} */
export async function draw(of) {
  if (document.documentElement.hasAttribute("data-single")) return [aside(say(OPENNESS.single))];
  try {
    const open = await (ledger ??= openLedger());
    return of.source === undefined ? [await compare(open)] : await model(of, open);
  } catch {
    ledger = undefined;
    return [aside(say(OPENNESS.failed))];
  }
}

/** @param {import("../openness.js").Shown} of @param {Ledger} ledger */
async function model({ source, name, card = {}, hub, ask }, ledger) {
  const { terms, words } = ledger;
  const language = current();
  const reference = typeof source === "string" && parse(source, HUB);
  const listed = source === "embedded" ? embeddedName() === SEEDLING.file && { id: "seedling" } : reference && ledger.find(reference.repo);
  const row = listed ? await ledger.row(listed.id) : null;
  const bases = row ? claims(row, "base").flatMap(({ is }) => is) : [];
  // what the hub says too is its word: it counts where the file says nothing
  const own = hub && hub.licence === card.licence ? {} : card;
  const found = await trace({ ...own, baseModels: [...(card.baseModels ?? []), ...bases] }, ledger, hub);
  const says = found.licence ?? found.hubLicence;
  const { id } = found;
  const by = "file";
  const shown = row ?? {
    id: "",
    fields: { name: { is: name, by }, weights: { is: "published", by }, licence: id ? { is: id, by } : null },
    clauses: [],
    grades: [],
    sources: { [by]: { title: say(words.says[found.licence ? "file" : "hub"]), url: "", read: today() } },
  };
  const differ = [...found.conflicts, ...conflicts(shown, ledger)];
  const [first] = claims(shown, "licence");
  const same = (/** @type {string} */ one, /** @type {string} */ other) => one.split(" OR ").sort().join() === other.split(" OR ").sort().join();
  // a licence under a name that nobody knows here may be the same one
  if (row && says && id && first && !claims(row, "licence").some(({ is }) => same(is, id))) {
    const title = row.sources[first.by].title;
    differ.push({ field: "licence", claims: [{ who: title, says: terms.licences[first.is.split(" OR ")[0]].name }, { who: found.licence ? "file" : "hub", says }] });
  }
  const above = found.ancestors.flatMap(({ row }) => row ?? []);
  const { may, not, take } = sheet(shown, ledger, language);
  const all = clauses(shown, ledger);
  const date = [...all.map(({ source }) => source), ...Object.values(shown.sources)].map(({ read }) => read).sort().at(-1) ?? "";
  const limited = (/** @type {Row} */ each) => clauses(each, ledger).filter(({ kind }) => words.clauses[kind].group === "not");
  const limits = [shown, ...above].flatMap(limited);
  // what binds its ancestor may bind it, whatever it says itself
  const bound = (/** @type {Row} */ each) => limited(each).length > 0;
  const theirs = (/** @type {Row} */ each) => `${say(words.says.ancestor, { name: claims(each, "name")[0].is })}: ${sheet(each, ledger, language).not}`;
  const short = [
    make("p", { class: "terms-badge" }, badgeText(badge(shown, ledger, above), ledger, language)),
    ...clash(differ.filter(({ field }) => field === "licence"), ledger),
    ...(row || !id ? [] : [aside(say(words.page.asStated, { who: say(words.says[found.licence ? "file" : "hub"]) }))]),
    make("ul", { class: "promise" }, ...[may, not, take, ...above.filter(bound).map(theirs)].map((text) => make("li", {}, text))),
    aside(caveat(date, ledger, language)),
    ...(ask ? [hashes(card.files ?? [], ledger)] : []),
    ...(limits.length ? [await read(id ?? first?.is ?? "", limits, ledger, ask)] : []),
  ];
  const every = all.map((clause) => make("li", {}, clauseText(clause, ledger, language), aside(say(words.page.section, clause), link(clause.source.url, clause.source.title))));
  const long = [
    ...strips(shown, ledger),
    ...(every.length ? [folded(say(words.page.clauses), make("ul", { class: "promise" }, ...every))] : []),
    ...clash(differ.filter(({ field }) => field !== "licence"), ledger),
    yardsticks(shown, says, found.ancestors, ledger),
    // what a file was made from was graded, if not the file
    ...(row ? [] : above.map((each) => folded(claims(each, "name")[0].is, ...strips(each, ledger)))),
    ...acts(shown, [may, not, take].join(" "), ledger, ask),
  ];
  return ask ? [...short, folded(say(words.page.more), ...long)] : [...short, ...long];
}
