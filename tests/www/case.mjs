// What a browser test is, as types.

/**
 * @typedef {object} Bench What a case works with.
 * @property {(name: string, argument?: any) => Promise<any>} lab Runs a function of lab.js in the page.
 * @property {string} device The device, where the case runs once for each.
 * @property {string[]} devices Those that the browser has, the best first.
 * @property {string} name The browser's name.
 * @property {import("./browser.mjs").Browser} browser
 * @property {Awaited<ReturnType<typeof import("./server.mjs").serve>>} server The page's origin.
 * @property {Awaited<ReturnType<typeof import("./server.mjs").serve>>} other Another origin, which lets pages read.
 * @property {import("./faults.mjs").Depot} depot What both origins have at /depot/.
 * @property {string} shared The folder with the shared models.
 * @property {string} shots A folder for pictures.
 * @property {string} made A folder served at /made/.
 *
 * @typedef {object} Case
 * @property {string} name A claim.
 * @property {(bench: Bench) => Promise<string | void>} run Throws if the claim is false; may give figures.
 * @property {true | string} [shared] Needs the shared models; a path: that one alone, which a bare clone may have.
 * @property {"big" | "hostile"} [made] Needs files that are made for it.
 * @property {"device" | "gpu"} [each] Runs once for each device, or on the GPU where the browser has one.
 * @property {string[]} [on] Only in these browsers.
 * @property {number} [limit] Milliseconds after which it has failed, where it takes longer than others.
 * @property {boolean | ((browser: string) => boolean)} [full] Only in a full run.
 */

export {};
