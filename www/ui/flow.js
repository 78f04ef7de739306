// Text that grows: gathered and put on the page once a frame, read aloud by whole sentences, followed by the scroll.

/**
 * @param {(text: string) => void} put Adds text to the page.
 * @param {HTMLElement} aloud A live region.
 * @param {Element} [scroller] What scrolls, if not the page.
 */
export function flow(put, aloud, scroller = document.scrollingElement ?? document.documentElement) {
  let waiting = "";
  let unread = "";
  let frame = 0;

  function paint() {
    cancelAnimationFrame(frame);
    frame = 0;
    if (!waiting) return;
    const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
    put(waiting);
    waiting = "";
    if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  /** @param {boolean} all */
  function read(all) {
    const end = all ? unread.length : Math.max(...[...".!?。！？\n"].map((mark) => unread.lastIndexOf(mark))) + 1;
    if (end <= 0) return;
    aloud.textContent = unread.slice(0, end);
    unread = unread.slice(end);
  }

  return {
    /** @param {string} text */
    add(text) {
      waiting += text;
      unread += text;
      // a hidden page has no frames
      if (document.hidden) paint();
      else frame ||= requestAnimationFrame(paint);
      if (unread.length > 200) read(false);
    },
    end() {
      paint();
      read(true);
    },
  };
}
