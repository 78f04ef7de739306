// A zip of files as they are: what it holds is compressed already or small, so nothing is deflated.

/** The polynomial's remainders of each byte. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = TABLE[(rest ^ byte) & 255] ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}

/** Little-endian fields of 2 or 4 bytes. @param {[2 | 4, number][]} fields */
function record(fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((length, [width]) => length + width, 0)));
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return new Uint8Array(view.buffer);
}

/** UTF-8 names. */
const FLAGS = 0x0800;
/** 1 January 1980: the same files make the same zip. */
const DATE = 0x0021;

/** @param {{ name: string, bytes: Uint8Array<ArrayBuffer> }[]} files @returns {Blob} */
export function zip(files) {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const parts = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const directory = [];
  let at = 0;
  for (const { name, bytes } of files) {
    const title = new TextEncoder().encode(name);
    /** @type {[2 | 4, number][]} */
    const shared = [
      [2, 20], // version that it takes to read
      [2, FLAGS],
      [2, 0], // stored
      [2, 0], // time
      [2, DATE],
      [4, crc32(bytes)],
      [4, bytes.length],
      [4, bytes.length],
      [2, title.length],
      [2, 0], // no extra field
    ];
    const head = record([[4, 0x04034b50], ...shared]);
    // no comment, first disk, no attributes, and where its head is
    directory.push(record([[4, 0x02014b50], [2, 20], ...shared, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]]), title);
    parts.push(head, title, bytes);
    at += head.length + title.length + bytes.length;
  }
  const size = directory.reduce((length, part) => length + part.length, 0);
  const count = files.length;
  const end = record([[4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, at], [2, 0]]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
