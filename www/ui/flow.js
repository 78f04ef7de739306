// Text that grows: gathered and put on the page once a frame, read aloud by whole sentences, followed by the scroll.

/** Of the time, at most one part in so many goes into putting text on the page. */
const SHARE = 6;
/** Characters that are gathered before they are read aloud: what is announced too often is not heard. */
const BREATH = 200;

/** Whether the end of what scrolls is in sight. @param {Element} scroller */
export const atEnd = (scroller) => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;

/**
 * @param {(text: string) => void} put Adds text to the page.
 * @param {HTMLElement} aloud A live region.
 * @param {Element} [scroller] What scrolls, if not the page.
 */
export function flow(put, aloud, scroller = document.scrollingElement ?? document.documentElement) {
  let waiting = "";
  let unread = "";
  let frame = 0;
  /** When text may be put again. */
  let due = 0;

  function paint() {
    cancelAnimationFrame(frame);
    frame = 0;
    if (!waiting) return;
    const follow = atEnd(scroller);
    const started = performance.now();
    put(waiting);
    waiting = "";
    const ended = performance.now();
    due = ended + (ended - started) * (SHARE - 1);
    if (follow) scroller.scrollTop = scroller.scrollHeight;
  }

  function next() {
    frame = 0;
    if (performance.now() >= due) paint();
    else frame = requestAnimationFrame(next);
  }

  /** @param {boolean} all */
  function read(all) {
    const end = all ? unread.length : Math.max(...[...".!?。！？\n"].map((mark) => unread.lastIndexOf(mark))) + 1;
    if (end <= 0) return;
    const text = spoken(unread.slice(0, end));
    if (text) aloud.textContent = text;
    unread = unread.slice(end);
  }

  return {
    /** @param {string} text */
    add(text) {
      waiting += text;
      unread += text;
      // a hidden page has no frames
      if (!document.hidden) frame ||= requestAnimationFrame(next);
      else if (performance.now() >= due) paint();
      if (unread.length > BREATH) read(false);
    },
    paint,
    end() {
      paint();
      read(true);
    },
  };
}

/** Without the marks of Markdown, which would be read out. @param {string} text */
function spoken(text) {
  return text
    .replace(/```\S*/g, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^\s*(#{1,6}|>|[*+-])\s+/gm, "")
    .replace(/[*_`~|]+/g, " ")
    .trim();
}
