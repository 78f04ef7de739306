// The entry of a site that embeds: everything that nomoat.js exports, and <nomoat-chat>.

import { NomoatChat } from "./widget/chat.js";

export * from "../nomoat.js";
export { NomoatChat };

// two versions on one page: the first has the name
if (!customElements.get("nomoat-chat")) customElements.define("nomoat-chat", NomoatChat);
