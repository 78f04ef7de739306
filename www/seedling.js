// The model that comes with the page: what is known of it before it is there. build.sh puts seedling/seedling.gguf into pkg/,
// and a test holds size and hash to that file, so whoever asks for it gets it or an error.

/** @typedef {import("./protocol.js").RemoteFile} RemoteFile */

export const SEEDLING = {
  title: "Seedling",
  file: "seedling.gguf",
  size: 4951456,
  sha256: "96b66ff5c0c36f5b7d07874802856ba931c853690ae4135d80caf5d5843ff08a",
  licence: "MIT OR Apache-2.0",
  /** Whether these weights pass seedling/evaluate.py. Until they do, it is there for who names it, and no default. */
  passes: true,
};

/** @param {string} folder Address of the folder that has it. @returns {RemoteFile[]} */
export function seedling(folder) {
  const { file, size, sha256 } = SEEDLING;
  // another version is another address: what a browser kept of an earlier one is not asked
  return [{ name: file, url: new URL(`${file}?sha256=${sha256.slice(0, 16)}`, folder).href, size, sha256 }];
}

/** Whether a page may begin with the model that came with it, and offer it, without being asked to. @param {string | undefined} file */
export const begins = (file) => Boolean(file) && (SEEDLING.passes || file !== SEEDLING.file);

/** What a person calls the model that came with the page. @param {string | undefined} file */
export const titleOf = (file = "") => (file === SEEDLING.file ? SEEDLING.title : file);

/** Whether it is what `load` was asked for, in this version or an earlier one. @param {string | RemoteFile[]} source */
export const isSeedling = (source) => source === "embedded" || (Array.isArray(source) && source.length === 1 && source[0].name === SEEDLING.file);
