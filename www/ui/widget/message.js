// A message of the widget's log. What a model writes becomes nodes by the builder of Markdown, or text; never markup.

import { make } from "../make.js";
import { markdown } from "../markdown.js";
import { saying } from "./say.js";

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
  const shown = rich ? markdown(body, saying(speaker)) : undefined;
  body.classList.toggle("rich", rich);
  // a text that grows keeps what is selected in it
  const whole = document.createTextNode("");
  if (!shown) body.append(whole);
  const add = (/** @type {string} */ more) => {
    whole.appendData(more);
    shown?.show(whole.data);
  };
  if (content) add(content);
  const ended = (/** @type {string | undefined} */ reason) => {
    const key = { abort: "stopped", length: "endLength", context: "endContext" }[reason ?? ""];
    note.textContent = key ? say(key) : "";
    note.hidden = !key;
    body.removeAttribute("aria-busy");
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

/** @param {Article} article @param {"copy" | "again" | "edit"} act @param {Speaker} speaker @param {(button: HTMLElement) => void} pressed */
export function tool({ tools }, act, { say }, pressed) {
  const node = make("button", { type: "button", class: `small ${act}` }, say(act));
  node.addEventListener("click", () => pressed(node));
  tools.append(node);
}
