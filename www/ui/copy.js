// Text onto the clipboard, and files onto the disk.

/** @param {string} text @returns {Promise<boolean>} Whether the browser let it. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} name @param {string} type @param {string} text */
export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // the browser takes the bytes when it gets to it
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A name that every file system takes. @param {string} title */
export const fileName = (title) => title.replace(/[^\p{L}\p{N}._ -]+/gu, " ").trim().slice(0, 60) || "nomoat";
