// What the browser tells of this device: memory, storage, adapter. It tells little, so much is "not known".

const GIB = 1024 ** 3;
/** Browsers tell no more than this of a device's memory, so it means "or more". */
const MOST_TOLD = 8;

/** @returns {number | undefined} */
const told = () => /** @type {any} */ (navigator).deviceMemory;

/** Bytes of memory; `null` where it is not told, or so much that browsers stop counting. */
export function memory() {
  const gib = told();
  return gib && gib < MOST_TOLD ? gib * GIB : null;
}

/** Bytes that may still be stored; `null` where it is not told. */
export async function disk() {
  const { quota, usage = 0 } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {};
  return quota ? Math.max(0, quota - usage) : null;
}

/** Bytes of weights to choose by where nobody names a variant: half of the memory, or of the most that is told. */
export const budget = () => ((told() ?? MOST_TOLD) * GIB) / 2;

/**
 * @typedef {object} Profile An adapter, or what stands for one; a `GPUAdapter` is one.
 * @property {{ maxStorageBufferBindingSize: number, maxBufferSize: number }} limits
 * @property {{ isFallbackAdapter?: boolean }} [info]
 */

/** The adapter that a model would get; `null` if there is none. @returns {Promise<Profile | null>} */
export async function adapter() {
  const found = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  return /** @type {any} */ (found ?? null);
}
