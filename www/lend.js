// Files that only the page can read, lent to the worker in ranges: WebKit's workers cannot read the blobs of a page that was
// opened from a disk.


/**
 * A source as the worker can take it, and the ports to hand over with it. What is not a file stays as it is.
 * @param {any} source @returns {{ source: any, transfer: Transferable[] }}
 */
export function lend(source) {
  if (!Array.isArray(source)) return { source, transfer: [] };
  /** @type {Transferable[]} */
  const transfer = [];
  const lent = source.map((file) => {
    if (!file.blob) return file;
    const { name, blob } = /** @type {import("./protocol.js").NamedBlob} */ (file);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = async ({ data: [id, start, end] }) => {
      const read = blob.slice(start, end).arrayBuffer();
      await read.then(
        (bytes) => port1.postMessage([id, bytes], [bytes]),
        (error) => port1.postMessage([id, null, String(error)]),
      );
    };
    transfer.push(port2);
    return { name, size: blob.size, port: port2 };
  });
  return { source: lent, transfer };
}

/** A blob by name only: its bytes come from the page. */
class Borrowed extends Blob {
  #read;
  #start;
  #end;

  /** @param {(start: number, end: number) => Promise<ArrayBuffer>} read @param {number} start @param {number} end */
  constructor(read, start, end) {
    super();
    this.#read = read;
    this.#start = start;
    this.#end = end;
  }

  get size() {
    return this.#end - this.#start;
  }

  slice(start = 0, end = this.size) {
    return new Borrowed(this.#read, Math.min(this.#start + start, this.#end), Math.min(this.#start + end, this.#end));
  }

  arrayBuffer() {
    return this.#read(this.#start, this.#end);
  }
}

/** What was lent, as files again. @param {any} source */
export function borrow(source) {
  if (!Array.isArray(source)) return source;
  return source.map((file) => {
    if (!file.port) return file;
    const { name, size, port } = file;
    /** @type {Map<number, { resolve: (bytes: ArrayBuffer) => void, reject: (error: Error) => void }>} */
    const waiting = new Map();
    let last = 0;
    port.onmessage = (/** @type {MessageEvent} */ { data: [id, bytes, why] }) => {
      const turn = waiting.get(id);
      waiting.delete(id);
      if (bytes) turn?.resolve(bytes);
      else turn?.reject(new Error(why));
    };
    /** @param {number} start @param {number} end @returns {Promise<ArrayBuffer>} */
    const read = (start, end) =>
      new Promise((resolve, reject) => {
        waiting.set(++last, { resolve, reject });
        port.postMessage([last, start, end]);
      });
    return { name, blob: new Borrowed(read, 0, size) };
  });
}
