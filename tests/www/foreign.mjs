// Other people's sites: pages with their own policies, on an origin of their own, which hears what the browser reports.

import { createServer } from "node:http";

/**
 * @typedef {object} Site
 * @property {string} html
 * @property {string} [csp]
 * @property {string} [type]
 */

/**
 * Serves pages by path, made for the server's own address.
 * @param {(own: string) => Record<string, Site>} pages
 */
export async function foreign(pages) {
  /** What browsers said broke a policy. @type {string[]} */
  const reports = [];
  /** @type {Record<string, Site>} */
  let sites = {};
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname === "/report") {
      let text = "";
      request.on("data", (piece) => (text += piece));
      request.on("end", () => {
        reports.push(text);
        response.writeHead(204).end();
      });
      return;
    }
    const site = sites[url.pathname];
    if (!site) return void response.writeHead(404).end();
    if (site.csp) response.setHeader("Content-Security-Policy", `${site.csp}; report-uri /report`);
    response.setHeader("Content-Type", site.type ?? "text/html; charset=utf-8");
    response.end(site.html);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const url = `http://127.0.0.1:${port}`;
  sites = pages(url);
  return {
    url,
    reports,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined));
        server.closeAllConnections();
      }),
  };
}
