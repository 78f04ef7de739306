// What was found of this browser's GPU, kept in the origin's private file system for the next load: a convenience, which may be
// missing or fail at any time. A browser does not tell of a new driver, so after a week everything is looked at again.

const NAME = "nomoat-adapters.jsonl";
const WEEK_MS = 7 * 24 * 3600 * 1000;
const folder = () => navigator.storage.getDirectory();

/** What this version of the browser found lately. @returns {Promise<string | undefined>} */
export async function recall() {
  try {
    const file = await (await (await folder()).getFileHandle(NAME)).getFile();
    const [browser, begun, ...lines] = (await file.text()).split("\n");
    return browser === navigator.userAgent && Math.abs(Date.now() - Number(begun)) < WEEK_MS ? lines.join("\n") : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps what was found, whole or not at all. @param {string} lines @param {boolean} more Whether it follows what was kept before. */
export async function remember(lines, more) {
  try {
    const handle = await (await folder()).getFileHandle(NAME, { create: true });
    const begun = more ? (await (await handle.getFile()).text()).split("\n")[1] : Date.now();
    const stream = await handle.createWritable();
    await stream.write(`${navigator.userAgent}\n${begun}\n${lines}`);
    await stream.close();
  } catch {
    // the next load looks again
  }
}
