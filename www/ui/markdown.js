// Markdown that grows, as nodes: a lexer's tokens through a list of what is allowed. There is no markup in between, nothing
// is ever fetched for it, and only the last block is made again when text comes.

import { Lexer } from "../vendor/markdown.js";
import { make } from "./make.js";
import { say as page } from "./words.js";

/** @typedef {import("../vendor/markdown.js").Token} Token */

/** Deeper than this, text is only text. */
const DEPTH = 24;
/** A paragraph with more marks than this is plain text: pairing them takes time that grows with their square (5 s for 20 kB). */
const MARKS = 500;
/** A line that opens more quotations and lists in one another than any text has; the lexer takes seconds to give up on it. */
const NESTED = /^[ \t]*(?:>[ \t]*|(?:[-*+]|\d{1,9}[.)])[ \t]+){24}/m;
/** What cannot be seen or turns the reading direction: controls, zero-width, bidirectional, fillers, tags. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]/gu;
/** @type {Record<string, string>} */
const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** How the nodes that are made just now get their words. */
let say = page;

/**
 * A place where Markdown is shown.
 * @param {HTMLElement} place @param {typeof page} [words] How its nodes get their words, if not as the page's.
 */
export function markdown(place, words = page) {
  let text = "";
  /** Characters whose nodes are final, and the level of the last heading among them. */
  let [settled, level] = [0, 2];
  /** Nodes of the rest. @type {ChildNode[]} */
  let open = [];
  /** Addresses that the text defines for its links. @type {Record<string, any>} */
  let links = {};

  /** @param {string} whole All of the text: what was shown before, and more. */
  function show(whole) {
    say = words;
    text = whole.replace(/\r\n?/g, "\n");
    const rest = text.slice(settled);
    const { tokens, defined } = lex(rest, links);
    const heading = { level };
    const last = tokens.findLastIndex(({ type }) => type !== "space");
    let [at, keep, stop, kept] = [0, 0, 0, level];
    /** @type {ChildNode[]} */
    const fresh = [];
    tokens.forEach((token, i) => {
      if (i === last) {
        // what stands before a block is final once the block's first line is whole
        if (rest.indexOf("\n", at) >= 0) [keep, stop, kept] = [fresh.length, at, heading.level];
      }
      at += token.raw.length;
      fresh.push(...block(token, heading, 0));
    });
    open = fill(place, open, fresh);
    if (at > rest.length || !keep) return;
    open.splice(0, keep);
    [settled, level] = [settled + stop, kept];
    Object.assign(links, defined);
  }

  return {
    show,
    /** Nothing more will come. */
    end() {
      if (!Object.keys(lex(text.slice(settled), links).defined).length) return;
      // an address defined at the end counts for the whole text
      [settled, level, open, links] = [0, 2, [...place.childNodes], {}];
      show(text);
    },
  };
}

/** @param {string} text @param {Record<string, any>} links @returns {{ tokens: Token[], defined: Record<string, any> }} */
function lex(text, links) {
  const plain = { tokens: [/** @type {Token} */ ({ type: "text", raw: text, text })], defined: {} };
  if (NESTED.test(text)) return plain;
  try {
    const lexer = new Lexer({ gfm: true, breaks: true });
    Object.assign(lexer.tokens.links, links);
    const pair = lexer.inlineTokens.bind(lexer);
    lexer.inlineTokens = (/** @type {string} */ words, /** @type {Token[]} */ into = []) => {
      if ((words.match(/[*_~`[\]<!&:@]/g)?.length ?? 0) <= MARKS) return pair(words, into);
      into.push({ type: "text", raw: words, text: words });
      return into;
    };
    const tokens = lexer.lex(text);
    return { tokens, defined: { ...lexer.tokens.links } };
  } catch {
    // too deep for its recursion in another way
    return plain;
  }
}

/**
 * Makes the last children of `place`, which were `old`, equal to `fresh`, and touches only what differs.
 * @param {Element} place @param {ChildNode[]} old @param {ChildNode[]} fresh @returns {ChildNode[]} What stands there now.
 */
function fill(place, old, fresh) {
  const now = fresh.map((node, i) => {
    if (i < old.length) return patch(old[i], node);
    place.append(node);
    return node;
  });
  for (const node of old.slice(fresh.length)) node.remove();
  return now;
}

/** @param {ChildNode} old @param {ChildNode} fresh @returns {ChildNode} */
function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return old;
  if (old instanceof Text && fresh instanceof Text) {
    if (fresh.data.startsWith(old.data)) old.appendData(fresh.data.slice(old.data.length));
    else old.data = fresh.data;
    return old;
  }
  if (old instanceof Element && fresh instanceof Element && old.cloneNode().isEqualNode(fresh.cloneNode())) {
    fill(old, [...old.childNodes], [...fresh.childNodes]);
    return old;
  }
  old.replaceWith(fresh);
  return fresh;
}

/** @param {any} token @param {{ level: number }} heading @param {number} depth @returns {ChildNode[]} */
function block(token, heading, depth) {
  if (depth > DEPTH) return [make("p", { dir: "auto" }, token.raw)];
  /** @param {any[]} tokens */
  const inside = (tokens) => tokens.flatMap((one) => block(one, heading, depth + 1));
  switch (token.type) {
    case "space":
    case "def":
      return [];
    case "heading": {
      // no level is left out, as screen readers walk by them
      heading.level = Math.min(token.depth + 2, heading.level + 1, 6);
      const tag = /** @type {"h3" | "h4" | "h5" | "h6"} */ (`h${heading.level}`);
      return [make(tag, { dir: "auto" }, ...inline(token.tokens, depth))];
    }
    case "code":
      return [code(token)];
    case "hr":
      return [make("hr")];
    case "blockquote":
      return [make("blockquote", { dir: "auto" }, ...inside(token.tokens))];
    case "list": {
      const items = token.items.map((/** @type {any} */ item) => make("li", { dir: "auto" }, ...inside(item.tokens)));
      if (!token.ordered) return [make("ul", {}, ...items)];
      return [make("ol", Number(token.start) === 1 ? {} : { start: Number(token.start) || 0 }, ...items)];
    }
    case "checkbox":
      return [document.createTextNode(token.checked ? "☑ " : "☐ ")];
    case "table":
      return [table(token, depth)];
    case "paragraph":
      return [make("p", { dir: "auto" }, ...inline(token.tokens, depth))];
    case "text":
      // the text of a tight list's item has no paragraph of its own
      if (depth) return inline(token.tokens ?? [token], depth);
      return [make("p", { dir: "auto" }, ...inline(token.tokens ?? [token], depth))];
    default:
      // markup, and whatever a later lexer may know, is shown as it was written
      return token.raw.trim() ? [make("p", { dir: "auto", class: "written" }, ...seen(token.raw.trimEnd()))] : [];
  }
}

/** @param {any[]} tokens @param {number} depth @returns {ChildNode[]} */
function inline(tokens, depth) {
  /** @type {ChildNode[]} */
  const nodes = [];
  for (const token of tokens) {
    if (depth > DEPTH) {
      nodes.push(document.createTextNode(token.raw));
      continue;
    }
    const inside = () => inline(token.tokens, depth + 1);
    switch (token.type) {
      case "strong":
      case "em":
      case "del":
        nodes.push(make(/** @type {"strong" | "em" | "del"} */ (token.type), {}, ...inside()));
        break;
      case "codespan":
        nodes.push(make("code", { dir: "ltr" }, ...seen(token.text)));
        break;
      case "br":
        nodes.push(make("br"));
        break;
      case "link":
        nodes.push(...link(token, inside));
        break;
      case "image":
        nodes.push(...image(token));
        break;
      case "checkbox":
        nodes.push(document.createTextNode(token.checked ? "☑ " : "☐ "));
        break;
      case "escape":
        nodes.push(document.createTextNode(token.text));
        break;
      case "text":
        if (token.tokens) nodes.push(...inside());
        else nodes.push(document.createTextNode(decoded(token.text)));
        break;
      default:
        nodes.push(...seen(token.raw));
    }
  }
  return nodes;
}

/** A link that opens elsewhere and says where; without an address that a link may have, its text alone. @param {any} token @param {() => ChildNode[]} inside */
function link(token, inside) {
  const url = address(token.href);
  if (!url) return inside();
  const bare = [url.href, url.href.replace(/\/$/, "")].includes(token.text);
  return anchor(url, make("bdi", {}, ...(bare ? [token.text] : inside())), bare);
}

/** An image is never fetched: its description, and where it is. @param {any} token */
function image(token) {
  const label = make("bdi", {}, say(make("span", {}), "imageAt"), ...seen(decoded(token.text)));
  const url = address(token.href);
  return url ? anchor(url, label, false) : [label];
}

/** @param {URL} url @param {HTMLElement} words @param {boolean} bare Whether the words are the address. */
function anchor(url, words, bare) {
  const node = make("a", { href: url.href, rel: "noopener noreferrer nofollow", target: "_blank", referrerpolicy: "no-referrer" }, words);
  if (bare) return [node];
  node.append(" ", make("bdi", { class: "host", dir: "ltr" }, url.host));
  return [node];
}

/** An absolute address of the web, without a name and a password that only look like a host; else nothing. @param {string} href */
function address(href) {
  if (!/^https?:\/\//i.test(href)) return null;
  const url = URL.parse(href);
  if (url) url.username = url.password = "";
  return url?.host ? url : null;
}

/** @param {any} token */
function code(token) {
  const language = /^[\w+#.-]{1,24}/.exec(token.lang ?? "")?.[0] ?? "";
  const copy = say(make("button", { type: "button", class: "quiet", "data-act": "code" }), "copyCode");
  return make(
    "div",
    { class: "code", dir: "ltr" },
    make("div", { class: "row spread" }, make("span", { class: "aside" }, language), copy),
    say(make("pre", { tabindex: 0, role: "group" }, make("code", {}, ...seen(token.text))), "codeBlock", {}, "aria-label"),
  );
}

/** @param {any} token @param {number} depth */
function table(token, depth) {
  const cell = (/** @type {"th" | "td"} */ tag, /** @type {any} */ { tokens, align }) =>
    make(tag, { dir: "auto", ...(align ? { class: align } : {}), ...(tag === "th" ? { scope: "col" } : {}) }, ...inline(tokens, depth));
  const head = make("tr", {}, ...token.header.map((/** @type {any} */ one) => cell("th", one)));
  const rows = token.rows.map((/** @type {any[]} */ row) => make("tr", {}, ...row.map((one) => cell("td", one))));
  const inner = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  return say(make("div", { class: "table", tabindex: 0, role: "group" }, inner), "tableBlock", {}, "aria-label");
}

/** Text in which nothing hides: what cannot be seen becomes its number. @param {string} text @returns {ChildNode[]} */
function seen(text) {
  /** @type {ChildNode[]} */
  const nodes = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(UNSEEN)) {
    if (index > from) nodes.push(document.createTextNode(text.slice(from, index)));
    const point = /** @type {number} */ (found.codePointAt(0)).toString(16).toUpperCase().padStart(4, "0");
    nodes.push(make("span", { class: "unseen" }, `U+${point}`));
    from = index + found.length;
  }
  if (from < text.length) nodes.push(document.createTextNode(text.slice(from)));
  return nodes;
}

/** What stands in a code block, as it was written. @param {Element} block */
export function written(block) {
  const code = block.querySelector("code");
  return [...(code?.childNodes ?? [])]
    .map((node) => (node instanceof Element ? String.fromCodePoint(parseInt(node.textContent.slice(2), 16)) : (node.textContent ?? "")))
    .join("");
}

/** The characters that Markdown lets one write by name or number. @param {string} text */
function decoded(text) {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(\w{2,4}));/g, (whole, ten, sixteen, name) => {
    if (name) return NAMED[name] ?? whole;
    const point = ten ? Number(ten) : parseInt(sixteen, 16);
    return point && point <= 0x10ffff ? String.fromCodePoint(point) : "\ufffd";
  });
}
