// Draws www/icons/*.png from the mark in www/icon.svg, with Chromium. Run by hand when the mark changes: the pictures are small
// and kept in the repository.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { chromium } from "playwright-core";

const GROUND = "#22614f";
const INK = "#f7f5f0";
const mark = readFileSync("www/icon.svg", "utf8").replaceAll(/<path /g, `<path stroke="${INK}" `);

/** How the mark lies on its ground, in percent: a mask may cut off all outside a circle of 80 % width. */
const PICTURES = [
  { name: "192", edge: 192, corner: 22, share: 70 },
  { name: "512", edge: 512, corner: 22, share: 70 },
  { name: "maskable-192", edge: 192, corner: 0, share: 56 },
  { name: "maskable-512", edge: 512, corner: 0, share: 56 },
  { name: "touch-180", edge: 180, corner: 0, share: 66 },
];

const browser = await chromium.launch({ executablePath: process.env.NOMOAT_CHROMIUM ?? "/usr/bin/chromium", chromiumSandbox: false });
mkdirSync("www/icons", { recursive: true });
for (const { name, edge, corner, share } of PICTURES) {
  const page = await browser.newPage({ viewport: { width: edge, height: edge } });
  const ground = `position:fixed;inset:0;background:${GROUND};border-radius:${corner}%;display:grid;place-items:center`;
  // the mark is wider than high, and lies a little low in its square
  await page.setContent(`<div style="${ground}"><div style="width:${share}%;transform:translateY(-1.5%)">${mark}</div></div>`);
  writeFileSync(`www/icons/${name}.png`, await page.screenshot({ omitBackground: true }));
  await page.close();
}
await browser.close();
