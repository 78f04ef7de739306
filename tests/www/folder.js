// A folder as a user would choose it: a handle of one, in the browser's own storage.

const NAME = "lab-folder";

/** @param {string} base An address that ends in `/`. @param {string[]} names Files there. @returns {Promise<FileSystemDirectoryHandle>} */
export async function chosen(base, names) {
  const top = await navigator.storage.getDirectory();
  await top.removeEntry(NAME, { recursive: true }).catch(() => {});
  const folder = await top.getDirectoryHandle(NAME, { create: true });
  for (const name of names) {
    const parts = name.split("/");
    let place = folder;
    for (const part of parts.slice(0, -1)) place = await place.getDirectoryHandle(part, { create: true });
    const out = await (await place.getFileHandle(parts[parts.length - 1], { create: true })).createWritable();
    await out.write(await (await fetch(base + name)).blob());
    await out.close();
  }
  return folder;
}
