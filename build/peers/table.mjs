// What came out of the pairs, as rows of a table: medians, ratios of nomoat to its peer, and what each ratio should be.

/** @typedef {import("./page.js").Pair} Pair @typedef {import("./runtimes.js").Run} Run @typedef {import("./runtimes.js").Wanted} Wanted */
/** @typedef {"decode" | "prefill"} Kind */

/**
 * @typedef {object} Figure
 * @property {number} nomoat Tokens a second, the median.
 * @property {number} peer
 * @property {number} ratio The median of the pairs' ratios.
 * @property {number | null} target What it should be at least.
 * @property {number} pairs
 *
 * @typedef {Wanted & { name: string, pairs: Record<number, Pair[]>, about?: any, why: Record<string, string> }} Measured `why`: there are no
 * pairs of that length, or of `all`.
 */

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Tokens a second. @param {Kind} kind @param {Run} run */
const speed = (kind, { promptTokens, tokens, firstMs, decodeMs }) => (kind === "prefill" ? promptTokens / firstMs : (tokens - 1) / decodeMs) * 1000;

/** What the ratio should be at least, where anything is asked of it. @param {Wanted} cell @param {Kind} kind */
function target({ shape, device, peer, threads }, kind) {
  if (peer === "wllama") return threads > 1 ? 1 : { decode: 3.5, prefill: 6 }[kind];
  return device === "gpu" && shape === "S15" ? { decode: 30, prefill: 5 }[kind] : null;
}
/** That of the best peer with as many threads. @param {string} shape */
const bestTarget = (shape) => (shape === "S135" ? 1.2 : null);

/** @param {Measured} cell @param {Kind} kind @param {number} length @returns {Figure | null} */
export function figure(cell, kind, length) {
  const pairs = cell.pairs[length] ?? [];
  if (!pairs.length) return null;
  const [nomoat, peer] = [pairs.map((pair) => speed(kind, pair.nomoat)), pairs.map((pair) => speed(kind, pair.peer))];
  return {
    nomoat: median(nomoat),
    peer: median(peer),
    ratio: median(nomoat.map((value, i) => value / peer[i])),
    target: target(cell, kind),
    pairs: pairs.length,
  };
}

/** Milliseconds to the first token, the medians. @param {Measured} cell @param {number} length */
export function first(cell, length) {
  const pairs = cell.pairs[length] ?? [];
  return pairs.length ? { nomoat: median(pairs.map(({ nomoat }) => nomoat.firstMs)), peer: median(pairs.map(({ peer }) => peer.firstMs)) } : null;
}

/** @param {number} value */
const short = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
/** @param {number} ratio @param {number | null} wanted */
const held = (ratio, wanted) => `${short(ratio)}x${wanted === null ? "" : ` (${ratio >= wanted ? "" : "not "}>= ${wanted}x)`}`;

/** @param {string[]} cells */
const row = (cells) => `| ${cells.join(" | ")} |`;
/** @param {string[]} names */
const head = (names) => `${row(names)}\n|${names.map(() => "---").join("|")}|`;

/** @param {Wanted} cell */
const on = ({ shape, device, format }) => [shape, device === "gpu" ? "WebGPU" : "CPU", format];
/** @param {Wanted} cell */
export const named = ({ peer, dtype, threads }) => `${peer} ${peer === "wllama" ? `${threads} thread${threads > 1 ? "s" : ""}` : dtype}`;

/** @param {number[]} lengths */
export const heading = (lengths) =>
  head([
    ...["shape", "device", "nomoat's file", "peer", "decode, tok/s", "ratio"],
    ...lengths.flatMap((length) => [`prefill ${length}, tok/s`, "ratio", `first token ${length}, ms`]),
    ...["same tokens", "pairs"],
  ]);

/** How many tokens agree before the first that differs, least and most. @param {Pair[]} pairs */
function alike(pairs) {
  if (!pairs.length) return "";
  const [least, most] = [Math.min, Math.max].map((of) => of(...pairs.map(({ same }) => same)));
  return `${least === most ? least : `${least} to ${most}`} of ${pairs[0].of}`;
}

/** nomoat and one peer: what nomoat did, what the peer did, how many times. @param {Measured} cell @param {number[]} lengths */
export function line(cell, lengths) {
  /** @param {{ nomoat: number, peer: number } | null} both @param {string} why */
  const beside = (both, why) => (both ? `${short(both.nomoat)} / ${short(both.peer)}` : why);
  // said once, where the first figure would be
  const reason = (/** @type {number} */ length) => (cell.why.all ? "" : cell.why[length] ?? "");
  const decode = figure(cell, "decode", lengths[0]);
  const pairs = cell.pairs[lengths[0]] ?? [];
  return row([
    ...on(cell),
    named(cell),
    beside(decode, cell.why.all ?? ""),
    decode ? held(decode.ratio, decode.target) : "",
    ...lengths.flatMap((length) => {
      const prefill = figure(cell, "prefill", length);
      return [beside(prefill, reason(length)), prefill ? held(prefill.ratio, prefill.target) : "", beside(first(cell, length), "")];
    }),
    alike(pairs),
    lengths.map((length) => cell.pairs[length]?.length ?? 0).join(" / "),
  ]);
}

/** The smallest of the ratios to peers with one thread. @param {Measured[]} cells @param {Kind} kind @param {number} length */
function best(cells, kind, length) {
  const ratios = cells.filter(({ threads }) => threads === 1).flatMap((cell) => {
    const made = figure(cell, kind, length);
    return made ? [{ ratio: made.ratio, peer: named(cell) }] : [];
  });
  return ratios.sort((a, b) => a.ratio - b.ratio)[0] ?? null;
}

/** nomoat beside the best peer of each shape, device and format. @param {Measured[]} cells @param {number[]} lengths */
export function bests(cells, lengths) {
  const groups = [...new Set(cells.map((cell) => on(cell).join()))].map((name) => cells.filter((cell) => on(cell).join() === name));
  return groups.map((group) => ({
    shape: group[0].shape,
    device: group[0].device,
    format: group[0].format,
    target: bestTarget(group[0].shape),
    decode: best(group, "decode", lengths[0]),
    prefill: Object.fromEntries(lengths.map((length) => [length, best(group, "prefill", length)])),
  }));
}

/** @param {Measured[]} cells @param {number[]} lengths */
export function bestTable(cells, lengths) {
  const rows = bests(cells, lengths).map(({ shape, device, format, target: wanted, decode, prefill }) => {
    const all = [decode, ...lengths.map((length) => prefill[length])];
    return row([...on(/** @type {any} */ ({ shape, device, format })), ...all.map((one) => (one ? `${held(one.ratio, wanted)}, ${one.peer}` : ""))]);
  });
  return [head(["shape", "device", "nomoat's file", "decode to the best peer", ...lengths.map((length) => `prefill ${length}`)]), ...rows].join("\n");
}
