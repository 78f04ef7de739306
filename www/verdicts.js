// What was found of this browser's GPU, kept in the origin's private file system for the next load: a convenience, which may be
// missing or fail at any time. A browser does not tell of a new driver, so after a week everything is looked at again.

const NAME = "nomoat-adapters.jsonl";
const WEEK_MS = 7 * 24 * 3600 * 1000;
const PATIENCE_MS = 1000;
const folder = () => navigator.storage.getDirectory();

/**
 * What comes of it, or nothing if it fails or takes its time: the next load looks again then.
 * @template T @param {() => Promise<T>} act @returns {Promise<T | undefined>}
 */
function perhaps(act) {
  const late = new Promise((/** @type {(nothing: undefined) => void} */ go) => setTimeout(go, PATIENCE_MS, undefined));
  // where there is no such storage, asking for it throws
  return Promise.race([(async () => act())().catch(() => undefined), late]);
}

/** What this version of the browser found lately. */
export const recall = () =>
  perhaps(async () => {
    const file = await (await (await folder()).getFileHandle(NAME)).getFile();
    const [browser, begun, ...lines] = (await file.text()).split("\n");
    return browser === navigator.userAgent && Math.abs(Date.now() - Number(begun)) < WEEK_MS ? lines.join("\n") : undefined;
  });

/** Keeps what was found, whole or not at all. @param {string} lines @param {boolean} more Whether it follows what was kept before. */
export const remember = (lines, more) =>
  perhaps(async () => {
    const handle = await (await folder()).getFileHandle(NAME, { create: true });
    const begun = more ? (await (await handle.getFile()).text()).split("\n")[1] : Date.now();
    const stream = await handle.createWritable();
    await stream.write(`${navigator.userAgent}\n${begun}\n${lines}`);
    await stream.close();
  });

/** Forgets what was found. */
export const forget = () => perhaps(async () => (await folder()).removeEntry(NAME));
