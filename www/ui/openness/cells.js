// The 14 criteria as cells: shape and colour are the grade, the name says it, and who says so appears when one is pressed.

import { claims, fill, strip } from "../../ledger.js";
import { make } from "../make.js";
import { current } from "../words.js";

/** @typedef {import("../../ledger.js").Both} Both @typedef {import("../../ledger.js").Row} Row @typedef {import("../../ledger.js").Ledger} Ledger */
/** @typedef {ReturnType<typeof strip>[number]} Criterion */

/** Data and training first. */
const ORDER = [1, 3, 0, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];

/** In the page's language. @param {Both} words @param {Record<string, any>} [values] */
export const say = (words, values = {}) => fill(words[current()], values);

/** @param {string} url @param {string} text */
export const link = (url, text) => (/^https?:/.test(url) ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text) : text);

/** @param {(string | Node)[]} children */
export const aside = (...children) => make("p", { class: "aside" }, ...children);

/** @param {any} grade */
const mark = (grade) => make("i", { class: "grade", "data-grade": grade ?? "none", "aria-hidden": "true" });

/** By one version of the criteria, in the order that is shown; whom nobody graded: not stated. @param {Row} row @param {1 | 2} version @param {Ledger} ledger @returns {Criterion[]} */
export function criteria(row, version, ledger) {
  const grades = row.grades.find((each) => each.version === version) ?? { version, of: "", rater: "", date: "", by: "", marks: "?".repeat(14), links: [] };
  const all = strip(row, grades, ledger);
  return ORDER.map((at) => all[at]);
}

/**
 * Makes buttons of criteria, of which one at a time shows its detail.
 * @param {Ledger} ledger @param {(detail: HTMLElement, button: HTMLElement) => HTMLElement} place
 */
export function cells({ words: { grades, page } }, place) {
  /** @type {{ button: HTMLElement, node: HTMLElement } | undefined} */
  let open;
  return (/** @type {Criterion} */ { name, grade, link: url, note, doi, rater, date, source }) => {
    const label = `${say(name)}: ${say(grade ? grades[grade] : page.none)}`;
    const button = make("button", { type: "button", class: "cell", "aria-label": label, title: label, "aria-expanded": "false" }, mark(grade));
    button.addEventListener("click", () => {
      const mine = open?.button === button;
      open?.node.remove();
      open?.button.setAttribute("aria-expanded", "false");
      open = undefined;
      if (mine) return;
      const at = doi ? `https://doi.org/${doi}` : url;
      const evidence = at ? link(at, at.replace(/^https?:\/\//, "")) : (note ?? say(page.noEvidence));
      const who = rater ? [make("p", {}, `${say(page.evidence)}: `, evidence), aside(say(page.rated, { rater, date }), ": ", link(source.url, source.title))] : [aside(say(page.ungraded))];
      open = { button, node: place(make("div", { class: "calm" }, make("strong", {}, label), ...who), button) };
      button.setAttribute("aria-expanded", "true");
    });
    return button;
  };
}

/** What the shapes mean, and how many of each there are. @param {Criterion[]} all @param {Ledger} ledger */
export const legend = (all, { words: { grades } }) =>
  make("p", { class: "row legend" }, ...Object.keys(grades).map((key) => make("span", {}, mark(key), ` ${all.filter(({ grade }) => grade === key).length} ${say(grades[key])}`)));

/** The strips of all who graded it, both versions apart; one of "not stated" where nobody did. @param {Row} row @param {Ledger} ledger */
export function strips(row, ledger) {
  const { page } = ledger.words;
  const versions = /** @type {(1 | 2)[]} */ ([2, 1]).filter((version) => row.grades.some((each) => each.version === version));
  return (versions.length ? versions : [/** @type {const} */ (2)]).map((version) => {
    const all = criteria(row, version, ledger);
    const { of, rater, date, self } = row.grades.find((each) => each.version === version) ?? {};
    const title = say(page.criteria[version]);
    const cell = cells(ledger, (detail, button) => (button.after(detail), detail));
    return make(
      "div",
      { class: "graded" },
      make("h2", {}, title),
      aside(rater ? say(page.graded, { of, rater, date, self: self && say(page.self) }) : say(page.ungraded)),
      make("div", { class: "strip", role: "group", "aria-label": `${title}: ${of ?? claims(row, "name")[0]?.is ?? ""}` }, ...all.map(cell)),
      legend(all, ledger),
    );
  });
}
