// The worker, in a browser that is odd in the way that its address says.

const how = new URL(import.meta.url).search.slice(1);

if (how === "refusing") {
  // a private window, a page from the disk
  StorageManager.prototype.getDirectory = async () => {
    throw new DOMException("not here", "SecurityError");
  };
}
if (how === "cramped") {
  // what browsers say of their room is rounded and padded, so no driver can set it
  StorageManager.prototype.estimate = async () => ({ usage: 1e6, quota: 31e6 });
}
if (how === "blind") {
  // one that has WebGPU, but not in workers
  Object.defineProperty(navigator, "gpu", { value: undefined });
}
if (how.startsWith("engine=")) {
  // one where the engine's own module is got from another address, which is faulty
  const real = fetch;
  const address = decodeURIComponent(how.slice("engine=".length));
  globalThis.fetch = (what, init) => real(/nomoat_bg/.test(String(what)) ? address : what, init);
}
if (how === "wired") {
  // a device whose network comes and goes: no driver can do that to a worker in every browser
  let online = true;
  Object.defineProperty(navigator, "onLine", { get: () => online });
  new BroadcastChannel("lab:network").onmessage = ({ data }) => {
    online = data;
    dispatchEvent(new Event(online ? "online" : "offline"));
  };
}
await import(new URL("/worker.js", import.meta.url).href);
