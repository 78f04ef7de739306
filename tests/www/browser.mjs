// What the three drivers have in common, as types.

/**
 * @typedef {object} View How a page is shown.
 * @property {number} [width]
 * @property {number} [height]
 * @property {boolean} [dark]
 * @property {boolean} [still] Reduced motion.
 * @property {string} [locale]
 *
 * @typedef {object} Page
 * @property {any} raw The driver's own page.
 * @property {string[]} messages What the console said, where the driver can hear it.
 * @property {(script: string, argument?: any) => Promise<any>} run Runs a function (as text) in the page; waits for its promise.
 * @property {() => Promise<void>} close
 *
 * @typedef {object} Browser
 * @property {(url: string, view?: View) => Promise<Page>} open
 * @property {() => Promise<void>} close
 */

export {};
