// The worker, in a browser that refuses to store: a private window, a page from the disk.

StorageManager.prototype.getDirectory = async () => {
  throw new DOMException("not here", "SecurityError");
};
await import(new URL("/worker.js", import.meta.url).href);
