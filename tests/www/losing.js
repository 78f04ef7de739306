// A GPU that is lost in the middle of answers: the worker itself, with `?at=` in its address, the numbers of the tokens of each
// answer after which its newest device is destroyed; 0 is while the prompt is read.

const at = new URL(import.meta.url).searchParams.get("at")?.split(",").map(Number) ?? [];
/** @type {GPUDevice[]} */
const devices = [];
const { requestDevice } = globalThis.GPUAdapter.prototype;
globalThis.GPUAdapter.prototype.requestDevice = async function (descriptor) {
  const device = await requestDevice.call(this, descriptor);
  devices.push(device);
  return device;
};

const say = globalThis.postMessage;
let tokens = 0;
/** @param {any} message @param {any} more */
globalThis.postMessage = (message, more) => {
  if (message.type === "token" && at.includes(++tokens)) devices.at(-1)?.destroy();
  if (message.type === "end") tokens = 0;
  say.call(globalThis, message, more);
};
globalThis.addEventListener("message", ({ data }) => {
  if (data.type === "generate" && at.includes(0)) setTimeout(() => devices.at(-1)?.destroy());
});

await import(new URL("/worker.js", import.meta.url).href);
