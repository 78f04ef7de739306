// A message of the widget's log. What a model writes becomes text nodes, never markup.

import { make } from "../make.js";

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

/** @param {Message} message @param {Speaker} speaker */
export function article({ role, content, model = "", finishReason }, { say, tag }) {
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
  const text = body.appendChild(document.createTextNode(content));
  const ended = (/** @type {string | undefined} */ reason) => {
    const key = { abort: "stopped", length: "endLength", context: "endContext" }[reason ?? ""];
    note.textContent = key ? say(key) : "";
    note.hidden = !key;
    body.removeAttribute("aria-busy");
  };
  ended(finishReason);
  return {
    node,
    tools,
    /** More text of an answer that is being written. @param {string} more */
    add(more) {
      body.setAttribute("aria-busy", "true");
      text.appendData(more);
    },
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
