// WebKitGTK by its WebDriver over plain HTTP, under Xvfb: no WebGPU, no OPFS, the CPU path.

import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";

export const name = "webkit";
export const gpu = false;

const DRIVER = process.env.NOMOAT_WEBKIT_DRIVER ?? "/usr/bin/WebKitWebDriver";

/** The small browser that the library brings, wherever the distribution puts it. */
function browser() {
  for (const lib of ["/usr/lib", "/usr/lib64", "/usr/libexec"].filter(existsSync)) {
    for (const triple of [".", ...readdirSync(lib).filter((folder) => folder.endsWith("-linux-gnu"))]) {
      for (const version of ["webkit2gtk-4.1", "webkitgtk-6.0", "webkit2gtk-4.0"]) {
        const binary = path.join(lib, triple, version, "MiniBrowser");
        if (existsSync(binary)) return binary;
      }
    }
  }
  return "";
}

/** Why it cannot run here; empty if it can. */
export function missing() {
  if (!existsSync(DRIVER)) return `${DRIVER} is not there: apt-get install webkit2gtk-driver`;
  if (!existsSync("/usr/bin/Xvfb")) return "Xvfb is not there: apt-get install xvfb";
  return browser() ? "" : "WebKitGTK's MiniBrowser is not there: apt-get install webkit2gtk-driver";
}

/** Starts a program and waits for a line or a moment. @param {string} command @param {string[]} args @param {Record<string, string>} [env] */
function run(command, args, env = {}) {
  return spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "ignore"] });
}

/** @returns {Promise<import("./browser.mjs").Browser>} */
export async function start() {
  // Xvfb picks a free display and says which
  const screen = run("/usr/bin/Xvfb", ["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
  const display = await new Promise((resolve, reject) => {
    screen.stdout.once("data", (data) => resolve(`:${String(data).trim()}`));
    screen.once("exit", () => reject(new Error("Xvfb ended")));
  });
  const port = 20000 + Math.floor(Math.random() * 20000);
  const driver = run(DRIVER, [`--port=${port}`, "--host=127.0.0.1"], {
    DISPLAY: display,
    // there is no window system to composite with, nor a sandbox to be had as root
    WEBKIT_DISABLE_COMPOSITING_MODE: "1",
    WEBKIT_DISABLE_DMABUF_RENDERER: "1",
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
    LIBGL_ALWAYS_SOFTWARE: "1",
  });
  const base = `http://127.0.0.1:${port}`;

  /** @param {string} method @param {string} at @param {object} [body] @returns {Promise<any>} */
  async function call(method, at, body) {
    const answer = await fetch(base + at, { method, body: body && JSON.stringify(body), signal: AbortSignal.timeout(600_000) });
    const { value } = /** @type {any} */ (await answer.json());
    if (value?.error) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  let ready = false;
  for (let tries = 0; !ready && tries < 100; tries++) {
    ready = await fetch(`${base}/status`).then(
      () => true,
      () => new Promise((resolve) => setTimeout(() => resolve(false), 100)),
    );
  }
  const { sessionId } = await call("POST", "/session", {
    capabilities: {
      alwaysMatch: {
        "webkitgtk:browserOptions": { binary: browser(), args: ["--automation"] },
      },
    },
  });
  const session = `/session/${sessionId}`;
  await call("POST", `${session}/timeouts`, { script: 600_000, pageLoad: 60_000 });
  return {
    async open(url) {
      await call("POST", `${session}/url`, { url });
      // there is one window for all, and a page opens again what was written in its window
      await call("POST", `${session}/execute/sync`, { script: "try { sessionStorage.clear(); } catch {}", args: [] });
      await call("POST", `${session}/url`, { url });
      return {
        raw: null,
        messages: [],
        async run(script, argument) {
          const { value, error } = await call("POST", `${session}/execute/async`, {
            script: `const [argument, done] = arguments;
              (async () => (${script})(argument))().then(
                (value) => done({ value: value ?? null }),
                (error) => done({ error: error + "\\n" + (error?.stack ?? "") }));`,
            args: [argument ?? null],
          });
          if (error) throw new Error(error);
          return value;
        },
        async close() {},
      };
    },
    async close() {
      await call("DELETE", session).catch(() => {});
      driver.kill();
      screen.kill();
    },
  };
}
