// Writes into www/seedling.js the size and the SHA-256 of seedling/seedling.gguf, after it was made anew.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const bytes = readFileSync("seedling/seedling.gguf");
const file = "www/seedling.js";
const text = readFileSync(file, "utf8")
  .replace(/size: \d+/, `size: ${bytes.length}`)
  .replace(/sha256: "[^"]*"/, `sha256: "${createHash("sha256").update(bytes).digest("hex")}"`);
writeFileSync(file, text);
