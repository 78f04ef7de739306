// Every request that this thread makes, so that the page can show them. The browser tells the sizes of those of this
// site; those of other sites are counted as they are read.

/** @typedef {import("./protocol.js").Sent} Sent */

/** So many bytes are waited for before they are told. */
const STEP = 1 << 20;

let watching = false;

/** Tells of all requests, past ones too. @param {(sent: Sent) => void} tell */
export function watch(tell) {
  if (watching) return;
  watching = true;
  const origin = globalThis.location.origin;
  const own = (/** @type {string} */ url) => new URL(url, globalThis.location.href).origin === origin;
  const real = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : new URL(input, globalThis.location.href).href;
    if (own(url) || !/^https?:/.test(url)) return real(input, init);
    const sent = { url, at: Date.now(), requests: 1, bytes: 0 };
    /** @type {Response} */
    let response;
    try {
      response = await real(input, init);
    } catch (error) {
      tell({ ...sent, failed: true });
      throw error;
    }
    const via = response.redirected ? response.url : undefined;
    tell({ ...sent, via, status: response.status });
    return counted(response, (bytes) => tell({ ...sent, via, requests: 0, bytes }));
  };
  if (!globalThis.PerformanceObserver) return;
  new PerformanceObserver((list) => {
    for (const entry of /** @type {PerformanceResourceTiming[]} */ (list.getEntries())) {
      const fetched = entry.initiatorType === "fetch" && !own(entry.name);
      if (fetched || !/^https?:/.test(entry.name)) continue;
      const at = Math.round(performance.timeOrigin + entry.startTime);
      tell({ url: entry.name, at, requests: 1, bytes: entry.transferSize ?? 0, status: entry.responseStatus || undefined });
    }
  }).observe({ type: "resource", buffered: true });
}

/** The same response, whose bytes are counted as they are read. @param {Response} response @param {(bytes: number) => void} tell */
function counted(response, tell) {
  if (!response.body) return response;
  const reader = response.body.getReader();
  let unsaid = 0;
  const say = () => {
    if (unsaid) tell(unsaid);
    unsaid = 0;
  };
  const body = new ReadableStream(
    {
      async pull(out) {
        try {
          const { done, value } = await reader.read();
          unsaid += value?.byteLength ?? 0;
          if (done || unsaid > STEP) say();
          if (done) out.close();
          else out.enqueue(value);
        } catch (error) {
          say();
          out.error(error);
        }
      },
      cancel(reason) {
        say();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  const made = new Response(body, response);
  // what a response that is made by hand lacks
  for (const key of /** @type {const} */ (["url", "redirected", "type"])) Object.defineProperty(made, key, { value: response[key] });
  return made;
}
