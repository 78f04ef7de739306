// What a site's owner pastes: the tag, the element, the lines of a content security policy, and a page to host oneself.

import { hostOf, isReference } from "./widget/consent.js";

/**
 * @typedef {object} Wish
 * @property {string} script Address of the widget's script.
 * @property {string} integrity
 * @property {string} model Empty: the one that comes with the script.
 * @property {number} bytes 0 where they are not known.
 * @property {string} licence
 */

/** @param {string} text */
const quoted = (text) => `"${text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;")}"`;

/** @param {Wish} wish */
export function tag({ script, integrity, model, bytes, licence }) {
  const said = [...(model ? [["model", model]] : []), ...(bytes ? [["size", String(bytes)]] : []), ...(licence ? [["licence", licence]] : [])];
  return [
    `<script type="module" src=${quoted(script)} integrity=${quoted(integrity)} crossorigin="anonymous"></script>`,
    `<nomoat-chat${said.map(([name, value]) => ` ${name}=${quoted(value)}`).join("")}></nomoat-chat>`,
  ].join("\n");
}

/** Whom the visitors' browsers ask for the model: a hub sends them on to its stores. @param {string} model */
function hosts(model) {
  if (!model) return [];
  if (isReference(model) || /^https:\/\/huggingface\.co\//.test(model)) return ["https://huggingface.co", "https://*.huggingface.co", "https://*.hf.co"];
  try {
    return [new URL(model).origin];
  } catch {
    return ["'self'"];
  }
}

/** The least that a policy must allow. @param {Wish} wish */
export function policy({ script, model }) {
  const own = /^https?:/.test(script) ? new URL(script).origin : "'self'";
  return [
    `script-src ${own} 'wasm-unsafe-eval'`,
    "worker-src blob:",
    `connect-src ${[...new Set([own, ...hosts(model)])].join(" ")}`,
    "trusted-types nomoat",
  ].join("; ");
}

/** A page with nothing else. @param {Wish} wish */
export const page = (wish) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; ${policy(wish)}; require-trusted-types-for 'script'" />
    <title>A model in a page</title>
    ${tag(wish).split("\n")[0]}
  </head>
  <body>
    ${tag(wish).split("\n")[1]}
  </body>
</html>
`;

/** @param {Wish} wish */
export const readme = (wish) => `The widget of nomoat, to host oneself.

Put this folder on any host of static files, in any sub-folder, over https. index.html shows the widget; any page
of yours shows it with these two lines:

${tag(wish)}

nomoat.js loads nomoat_bg.wasm from its own folder, if that is the file it was built with, and nothing else. It asks
the visitor before it loads the model from ${/^https?:/.test(wish.model) || isReference(wish.model) ? hostOf(wish.model) || "your site" : "your site"}. A policy must allow at least:

${policy(wish)}
`;
