// A message of the widget's log. What a model writes becomes nodes by the builder of Markdown, or text; never markup.

import { make } from "../make.js";
import { markdown } from "../markdown.js";
import { speaking } from "./say.js";

/** @typedef {import("../words/widget.js").Speaker} Speaker */

/**
 * @typedef {object} Message
 * @property {"user" | "assistant"} role
 * @property {string} content
 * @property {string} [model] The name of the model that wrote it.
 * @property {string} [sha256] The hash of that model's weights.
 * @property {import("../../protocol.js").Finish} [finishReason]
 */

/** @typedef {ReturnType<typeof article>} Article */

/** @param {Message} message @param {Speaker} speaker @param {boolean} rich Whether it is Markdown. */
export function article({ role, content, model = "", finishReason }, speaker, rich) {
  const { say, tag } = speaker;
  const body = make("div", { class: "body", dir: "auto" });
  const who = make("p", { class: "who", lang: tag }, role === "user" ? say("you") : say("answer", { model }));
  const note = make("p", { class: "note", lang: tag });
  const tools = make("div", { class: "row", lang: tag });
  const node = make(
    "article",
    { class: `message ${role}`, part: `message ${role}`, "aria-label": who.textContent ?? "" },
    who,
    body,
    note,
    tools,
  );
  const shown = rich ? markdown(body) : undefined;
  body.classList.toggle("rich", rich);
  let whole = "";
  const add = (/** @type {string} */ more) => {
    whole += more;
    speaking(speaker);
    if (shown) shown.show(whole);
    else body.textContent = whole;
  };
  if (content) add(content);
  const ended = (/** @type {string | undefined} */ reason) => {
    const key = { abort: "stopped", length: "endLength", context: "endContext" }[reason ?? ""];
    note.textContent = key ? say(key) : "";
    note.hidden = !key;
    body.removeAttribute("aria-busy");
    speaking(speaker);
    shown?.end();
    for (const block of body.querySelectorAll("pre")) block.setAttribute("part", "code");
  };
  if (content) ended(finishReason);
  else {
    note.hidden = true;
    body.setAttribute("aria-busy", "true");
  }
  return {
    node,
    tools,
    /** More text of an answer that is being written. */
    add,
    ended,
  };
}

/** @param {Article} article @param {string} word @param {() => void} pressed */
export function tool({ tools }, word, pressed) {
  const node = make("button", { type: "button", class: "small" }, word);
  node.addEventListener("click", pressed);
  tools.append(node);
  return node;
}
