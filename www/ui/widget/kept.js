// Conversations that a site asks to be kept between visits.

/** @param {string} place @param {object[]} messages */
export function keep(place, messages) {
  try {
    localStorage.setItem(place, JSON.stringify(messages));
  } catch {
    // storage is full or forbidden here: the conversation lasts as long as the page
  }
}

/** @param {string} place @returns {any[]} */
export function kept(place) {
  try {
    return messagesIn(localStorage.getItem(place) ?? "[]");
  } catch {
    return []; // storage is forbidden here
  }
}

/** Messages that were written as text; none if they are not ours. @param {string} text @returns {any[]} */
export function messagesIn(text) {
  try {
    const messages = JSON.parse(text);
    return Array.isArray(messages) ? messages : [];
  } catch {
    return [];
  }
}
