// Gives the widget the text of the page that it stands on.

const chat = document.querySelector("nomoat-chat");
const article = document.querySelector("article");
chat?.setAttribute("system", `Answer from this text only, and briefly. If it is not in the text, say so.\n\n${article?.innerText}`);
