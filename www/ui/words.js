// What the page says, in English and Chinese, and how numbers read in each.

/** @typedef {"en" | "zh"} Language */

/** @type {Record<string, Record<Language, string>>} */
const WORDS = {
  lead: {
    en: "An open language model, running on your own computer.",
    zh: "开放的语言模型，就在你自己的电脑上运行。",
  },
  promise: {
    en: "Choose a model file and write with it. No account and no server: what you write stays on this device.",
    zh: "选择一个模型文件，就能和它一起写作。无需账号，没有服务器：你写的内容不会离开这台设备。",
  },
  language: { en: "中文", zh: "English" },
  languageLabel: { en: "用中文显示", zh: "Show in English" },
  chooseFile: { en: "Choose a file", zh: "选择文件" },
  chooseFolder: { en: "Choose a folder", zh: "选择文件夹" },
  drop: { en: "or drop it anywhere on this page", zh: "或把它拖到页面上任意位置" },
  formats: {
    en: "A .gguf file, a .safetensors file, or a folder with config.json",
    zh: ".gguf 文件、.safetensors 文件，或含有 config.json 的文件夹",
  },
  address: { en: "Address of a model", zh: "模型的网址" },
  addressHint: { en: "https://…/model.gguf", zh: "https://…/model.gguf" },
  load: { en: "Load", zh: "加载" },
  runOn: { en: "Run on", zh: "运行于" },
  auto: { en: "whatever is best", zh: "自动选择" },
  gpu: { en: "the GPU", zh: "GPU" },
  cpu: { en: "the CPU", zh: "CPU" },
  gpuReady: { en: "This browser can use your GPU.", zh: "这个浏览器可以使用你的 GPU。" },
  gpuMissing: {
    en: "This browser has no WebGPU, so the model will run on the CPU, which is slower.",
    zh: "这个浏览器不支持 WebGPU，模型将在 CPU 上运行，速度较慢。",
  },
  gpuNone: {
    en: "This browser has WebGPU, but finds no GPU that it may use; the model will run on the CPU, which is slower.",
    zh: "这个浏览器支持 WebGPU，但找不到可用的 GPU；模型将在 CPU 上运行，速度较慢。",
  },
  gpuSoftware: {
    en: "This browser finds only a GPU emulated in software, so the model will run on the CPU, which is faster than that.",
    zh: "这个浏览器只找到软件模拟的 GPU，模型将在 CPU 上运行，这样更快。",
  },
  "warn_software-gpu": {
    en: "The only GPU here is emulated in software, so this is slow.",
    zh: "这里只有软件模拟的 GPU，所以会很慢。",
  },
  "warn_no-gpu-in-worker": {
    en: "This browser has WebGPU only on the page itself, so the page may stutter while the model works.",
    zh: "这个浏览器只在页面本身支持 WebGPU，模型工作时页面可能会卡顿。",
  },
  "warn_no-range": {
    en: "The server cannot send parts of a file, so it is downloaded whole before it is read.",
    zh: "服务器不支持分段传输，需要先完整下载文件。",
  },
  loading: { en: "Loading {name}", zh: "正在加载 {name}" },
  phase_start: { en: "Starting", zh: "正在启动" },
  phase_module: { en: "Starting", zh: "正在启动" },
  phase_open: { en: "Reading what the file holds", zh: "读取文件信息" },
  phase_download: { en: "Downloading", zh: "正在下载" },
  phase_device: { en: "Opening the device", zh: "正在打开设备" },
  phase_weights: { en: "Bringing the weights in", zh: "正在载入权重" },
  phase_compile: { en: "Preparing the kernels", zh: "正在准备计算内核" },
  phase_ready: { en: "Ready", zh: "就绪" },
  cancel: { en: "Cancel", zh: "取消" },
  ready: { en: "{name} is ready.", zh: "{name} 已就绪。" },
  another: { en: "Another model", zh: "换一个模型" },
  licence: { en: "Licence: {licence}", zh: "许可证：{licence}" },
  notStated: { en: "not stated", zh: "未说明" },
  parameters: { en: "{count} parameters", zh: "{count} 参数" },
  context: { en: "{count} tokens of context", zh: "上下文 {count} 个词元" },
  onGpu: { en: "on the GPU", zh: "在 GPU 上" },
  onCpu: { en: "on the CPU", zh: "在 CPU 上" },
  memory: { en: "{size} of memory", zh: "占用内存 {size}" },
  details: { en: "About this model", zh: "关于这个模型" },
  conversation: { en: "Conversation", zh: "对话" },
  you: { en: "You", zh: "你" },
  model: { en: "Model", zh: "模型" },
  message: { en: "Your message", zh: "你的消息" },
  messageHint: { en: "Write a message", zh: "写点什么" },
  send: { en: "Send", zh: "发送" },
  stop: { en: "Stop", zh: "停止" },
  clear: { en: "New conversation", zh: "新对话" },
  keys: { en: "Enter sends, Shift+Enter starts a new line, Esc stops.", zh: "回车发送，Shift+回车换行，Esc 停止。" },
  writing: { en: "Writing…", zh: "正在写…" },
  stopped: { en: "Stopped.", zh: "已停止。" },
  endLength: { en: "Ended at the length limit.", zh: "已达长度上限。" },
  endContext: { en: "The context is full.", zh: "上下文已满。" },
  figures: {
    en: "{tokens} tokens · {rate} tokens/s · first after {first} ms",
    zh: "{tokens} 个词元 · {rate} 词元/秒 · 首个用时 {first} 毫秒",
  },
  baseModel: {
    en: "This model has no chat template: it continues a text. Write a beginning, and let it go on.",
    zh: "这个模型没有对话模板，它会续写文字。写一个开头，让它继续。",
  },
  text: { en: "Text", zh: "文字" },
  textHint: { en: "Once upon a time", zh: "Once upon a time" },
  goOn: { en: "Continue", zh: "续写" },
  back: { en: "Take back", zh: "撤回" },
  how: { en: "How it writes", zh: "写作方式" },
  temperature: { en: "Temperature", zh: "温度" },
  temperatureHint: { en: "0 always takes the most likely word", zh: "0 总是选最可能的词" },
  maxTokens: { en: "At most, tokens", zh: "最多词元数" },
  seed: { en: "Seed", zh: "随机种子" },
  seedHint: { en: "empty: new each time", zh: "留空：每次不同" },
  byModel: { en: "the model’s own", zh: "模型默认" },
  trace: { en: "Trace", zh: "运行记录" },
  copy: { en: "Copy", zh: "复制" },
  copied: { en: "Copied.", zh: "已复制。" },
  close: { en: "Close", zh: "关闭" },
  problem: { en: "That did not work", zh: "出错了" },
  code: { en: "Code: {code}", zh: "代码：{code}" },
  "do_bad-file": {
    en: "The file may be incomplete: download it again, or choose another.",
    zh: "文件可能不完整：请重新下载，或换一个文件。",
  },
  "do_not-found": { en: "Check the address, or choose another file.", zh: "请检查网址，或换一个文件。" },
  do_network: { en: "Check the connection and load it again.", zh: "请检查网络后重新加载。" },
  do_cors: { en: "Download the file yourself and open it here as a file.", zh: "请自行下载该文件，再在这里打开。" },
  do_gated: {
    en: "Ask the host for access, download the file there and open it here.",
    zh: "请先在该网站获得许可并下载文件，再在这里打开。",
  },
  "do_unsupported-architecture": { en: "Choose a model of another family.", zh: "请选择其他系列的模型。" },
  "do_unsupported-format": { en: "Choose the same model in another format.", zh: "请选择同一模型的其他格式。" },
  "do_unsupported-tokenizer": { en: "Choose another model.", zh: "请选择其他模型。" },
  "do_too-big": { en: "Choose a smaller model, or a more compact format of it.", zh: "请选择更小的模型或更紧凑的格式。" },
  "do_gpu-out-of-memory": {
    en: "Close other pages that use the GPU, or choose a smaller model.",
    zh: "请关闭其他占用 GPU 的页面，或选择更小的模型。",
  },
  "do_device-lost": { en: "Load the model again.", zh: "请重新加载模型。" },
  "do_no-webgpu": { en: "Choose to run on the CPU.", zh: "请选择在 CPU 上运行。" },
  "do_self-test-failed": { en: "Choose to run on the CPU.", zh: "请选择在 CPU 上运行。" },
  "do_context-full": { en: "Start a new conversation.", zh: "请开始新的对话。" },
  "do_storage-unavailable": { en: "Choose the file again.", zh: "请重新选择文件。" },
  do_other: { en: "Load the model again; if it happens twice, report it with the trace.", zh: "请重新加载；若再次出现，请附上运行记录反馈。" },
};

/** @type {Language} */
let language = initial();
/** @type {WeakMap<Element, Map<string, [string, Record<string, string>]>>} */
const said = new WeakMap();

/** @returns {Language} */
function initial() {
  const kept = remembered();
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function remembered() {
  try {
    return localStorage.getItem("nomoat-language");
  } catch {
    return null; // storage is forbidden here
  }
}

/** The language of the page. */
export const current = () => language;

/** Goes to the other language; everything said with `say` follows. */
export function toggle() {
  language = language === "en" ? "zh" : "en";
  try {
    localStorage.setItem("nomoat-language", language);
  } catch {
    // it is not remembered then
  }
  for (const node of document.querySelectorAll("[data-said]")) for (const where of said.get(node)?.keys() ?? []) put(node, where);
  settle();
  document.dispatchEvent(new CustomEvent("nomoat-language"));
}

/** Tells the browser the language. */
export function settle() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
}

/** @param {string} key @param {Record<string, string>} [values] */
export function words(key, values = {}) {
  const entry = WORDS[key];
  return (entry?.[language] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Whether there are words for `key`. @param {string} key */
export const known = (key) => key in WORDS;

/**
 * Gives `node` the words of `key`, now and when the language changes: as its text, or as the attribute `where`.
 * @template {Element} T @param {T} node @param {string} key @param {Record<string, string>} [values] @param {string} [where]
 * @returns {T}
 */
export function say(node, key, values = {}, where = "") {
  const all = said.get(node) ?? new Map();
  all.set(where, [key, values]);
  said.set(node, all);
  node.setAttribute("data-said", "");
  put(node, where);
  return node;
}

/** @param {Element} node @param {string} where */
function put(node, where) {
  const [key, values] = said.get(node)?.get(where) ?? ["", {}];
  const text = words(key, values);
  if (where) node.setAttribute(where, text);
  else node.textContent = text;
}

/** Takes the words from `node` again. @param {Element} node */
export function hush(node) {
  said.delete(node);
  node.textContent = "";
}

/** @param {number} value @param {Intl.NumberFormatOptions} [options] */
export function number(value, options) {
  return new Intl.NumberFormat(language, options).format(value);
}

/** Bytes in the unit that suits them: 0.8 MB, 12 MB, 3.1 GB. @param {number} bytes */
export function size(bytes) {
  const [unit, scale] = bytes >= 1e9 ? ["GB", 1e9] : ["MB", 1e6];
  const value = bytes / scale;
  return `${number(value, { maximumFractionDigits: value < 10 ? 1 : 0, minimumFractionDigits: value < 10 ? 1 : 0 })} ${unit}`;
}

/** 656 K, 1.1 B. @param {number} value */
export function compact(value) {
  return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(value);
}
