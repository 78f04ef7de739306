// Two models of the openness ledger side by side: what may be done with them, and the 14 criteria, each version apart.

import { badge, badgeText, claims, sheet, trace } from "../../ledger.js";
import { make } from "../make.js";
import { current } from "../words.js";
import { aside, cells, criteria, legend, say } from "./cells.js";
import { told } from "./parts.js";

/** @typedef {import("../../ledger.js").Row} Row @typedef {import("../../ledger.js").Ledger} Ledger */

/** Those that are compared. */
const pair = ["llama-2", "bloomz"];

/** Puts one beside the other. @param {string} id */
export function choose(id) {
  if (pair[1] === id) pair[1] = pair[0];
  pair[0] = id;
}

/** @param {Ledger} ledger */
export async function compare(ledger) {
  const { page } = ledger.words;
  const body = make("div", { class: "graded" });
  const draw = async () => body.replaceChildren(...(await Promise.all(pair.map(ledger.row)).then((rows) => tables(rows, ledger))));
  const selects = pair.map((id, at) => {
    const options = ledger.rows.map((row) => make("option", { value: row.id, selected: row.id === id }, row.name));
    const select = make("select", { "aria-label": say(at ? page.second : page.first) }, ...options);
    select.addEventListener("change", () => {
      pair[at] = select.value;
      void draw();
    });
    return select;
  });
  await draw();
  return make("section", {}, aside(say(page.compareIntro)), make("div", { class: "pair" }, ...selects), body);
}

/** @param {Row[]} rows @param {Ledger} ledger */
async function tables(rows, ledger) {
  const { page } = ledger.words;
  const language = current();
  const names = rows.map((row) => claims(row, "name")[0].is);
  const above = await Promise.all(rows.map((row) => trace({ baseModels: claims(row, "base").flatMap(({ is }) => is) }, ledger).then(({ ancestors }) => ancestors.flatMap(({ row }) => row ?? []))));
  const sheets = rows.map((row) => sheet(row, ledger, language));
  const head = (/** @type {string[]} */ ...first) => make("thead", {}, make("tr", {}, ...first.map((text) => make("td", {}, text)), ...names.map((name) => make("th", { scope: "col" }, name))));
  /** @type {[string, (row: Row, at: number) => (Node | string)[]][]} */
  const says = [
    ["badge", (row, at) => [badgeText(badge(row, ledger, above[at]), ledger, language)]],
    ...["may", "not", "take"].map((key) => /** @type {[string, (row: Row, at: number) => string[]]} */ ([key, (_, at) => [/** @type {any} */ (sheets[at])[key]]])),
    ...["licence", "osaid", "mot", "fmti", "datasets"].map((field) => /** @type {[string, (row: Row) => Node[]]} */ ([field, (row) => told(row, field, ledger)])),
  ];
  const words = says.map(([key, of]) =>
    make(
      "tbody",
      {},
      make("tr", {}, make("th", { scope: "rowgroup", colspan: 2 }, say(page.fields[key]))),
      make("tr", {}, ...rows.map((row, at) => make("td", {}, ...of(row, at)))),
    ),
  );
  const versions = /** @type {(1 | 2)[]} */ ([1, 2]).filter((version) => rows.some((row) => row.grades.some((each) => each.version === version)));
  const graded = versions.map((version) => {
    const both = rows.map((row) => criteria(row, version, ledger));
    const cell = cells(ledger, (detail, button) => {
      const line = make("tr", {}, make("td", { colspan: 3 }, detail));
      button.closest("tr")?.after(line);
      return line;
    });
    const lines = both[0].map(({ name }, at) => make("tr", {}, make("th", { scope: "row" }, say(name)), ...both.map((all) => make("td", {}, cell(all[at])))));
    const table = make("table", { class: "criteria" }, head(""), make("tbody", {}, ...lines));
    return make("div", { class: "graded" }, make("h2", {}, say(page.criteria[version])), table, ...both.map((all, at) => make("div", {}, aside(names[at]), legend(all, ledger))));
  });
  const [one, ...other] = graded;
  return [...(one ? [one] : []), make("table", { class: "said" }, head(), ...words), ...other];
}
