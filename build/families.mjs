// Puts the rows that tests print of the zoo, `| zoo | family | container | mode | device | error | greedy |`, together into a table:
// a line a file and mode, a column a device.
import { readFileSync } from "node:fs";

const DEVICES = ["cpu", "lavapipe", "SwiftShader", "chromium gpu", "chromium cpu", "firefox gpu"];
/** What a driver calls itself. @param {string} name */
const device = (name) => (/llvmpipe/i.test(name) ? "lavapipe" : /swiftshader/i.test(name) ? "SwiftShader" : name);

/** @type {Map<string, Map<string, string>>} */
const table = new Map();
for (const line of readFileSync(process.argv[2], "utf8").split("\n")) {
  const [, zoo, family, container, mode, on, error, greedy] = line.split("|").map((cell) => cell.trim());
  if (zoo !== "zoo") continue;
  const key = [family, container, mode].join(" | ");
  const cells = table.get(key) ?? new Map();
  // of several tests of one kind (weights in one piece and in shards) the worst counts
  const before = cells.get(device(on));
  if (!before || Number(before.split(", ")[0]) < Number(error)) cells.set(device(on), `${error}, ${greedy}`);
  table.set(key, cells);
}
const head = ["family", "file", "mode", ...DEVICES];
console.log("The largest |difference| of a logit from its golden; greedy tokens that are alike\n");
console.log(`| ${head.join(" | ")} |\n|${head.map(() => "---").join("|")}|`);
for (const key of [...table.keys()].sort()) console.log(`| ${key} | ${DEVICES.map((name) => table.get(key)?.get(name) ?? "").join(" | ")} |`);
