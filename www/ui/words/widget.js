// What the widget says, in English and Chinese: a table of its own, so that a site that embeds it does not carry the page's.

/** @type {import("../words.js").Words} */
const WIDGET = {
  name: { en: "Chat with {model}, which runs on this device. Licence: {licence}", zh: "与 {model} 对话，模型在本机运行。许可：{licence}" },
  nameBefore: { en: "Chat with {model}", zh: "与 {model} 对话" },
  made: { en: "Made by {model} on this device · Licence: {licence}", zh: "由 {model} 在本机生成 · 许可：{licence}" },
  notStated: { en: "not stated", zh: "未说明" },
  "terms_open-weights": { en: "Open weights", zh: "开放权重" },
  "terms_weights-available": { en: "Weights available", zh: "权重可得" },
  terms_published: { en: "Everything published (self-assessed)", zh: "全部公开（自评）" },
  terms_null: { en: "Openness: not stated", zh: "开放程度：未说明" },
  conversation: { en: "Conversation", zh: "对话" },
  you: { en: "You", zh: "你" },
  answer: { en: "{model}, on this device", zh: "{model}，在本机" },
  empty: { en: "What you write stays on this device.", zh: "你写的内容不会离开这台设备。" },
  baseModel: {
    en: "This model goes on with a text; it was not trained for conversation.",
    zh: "这个模型会续写文本，它没有受过对话训练。",
  },
  message: { en: "Your message", zh: "你的消息" },
  text: { en: "A text to go on with", zh: "要续写的文本" },
  send: { en: "Send", zh: "发送" },
  goOn: { en: "Go on", zh: "续写" },
  stop: { en: "Stop", zh: "停止" },
  again: { en: "Again", zh: "重新生成" },
  edit: { en: "Edit", zh: "修改" },
  copy: { en: "Copy", zh: "复制" },
  copied: { en: "Copied", zh: "已复制" },
  copyFailed: { en: "Copy failed", zh: "复制失败" },
  copyCode: { en: "Copy code", zh: "复制代码" },
  imageAt: { en: "Image, not loaded: ", zh: "图片（未加载）：" },
  codeBlock: { en: "Code", zh: "代码" },
  tableBlock: { en: "Table", zh: "表格" },
  clear: { en: "New conversation", zh: "新对话" },
  start: { en: "Download and start", zh: "下载并开始" },
  startStored: { en: "Start", zh: "开始" },
  startBig: { en: "Go on with the download", zh: "继续下载" },
  ask: {
    en: "To answer here, this page needs a language model. It comes from {host} and stays on this device; what you write is sent nowhere.",
    zh: "要在这里回答，页面需要一个语言模型。它来自 {host}，保存在这台设备上；你写的内容不会发送到任何地方。",
  },
  askStored: {
    en: "The language model is already on this device. What you write is sent nowhere.",
    zh: "语言模型已经在这台设备上。你写的内容不会发送到任何地方。",
  },
  facts: { en: "{model} · {size} · licence: {licence}", zh: "{model} · {size} · 许可：{licence}" },
  sizeUnknown: { en: "size not stated by this site", zh: "本站未说明大小" },
  bigger: {
    en: "This site said {said}, but the model is {size}. Nothing more is downloaded unless you agree.",
    zh: "本站说是 {said}，但模型其实有 {size}。你同意之前不会继续下载。",
  },
  editing: { en: "Sending this replaces your message and what came after it.", zh: "发送后会替换你的这条消息及其后的内容。" },
  waiting: { en: "Your message is sent as soon as the model is there.", zh: "模型就绪后，你的消息会立刻发送。" },
  metered: { en: "You asked this browser to save data.", zh: "你已让浏览器节省流量。" },
  itself: { en: "this site", zh: "本站" },
  loading: { en: "Loading {model}", zh: "正在加载 {model}" },
  phase_module: { en: "Starting the engine", zh: "正在启动引擎" },
  phase_open: { en: "Reading the model", zh: "正在读取模型" },
  phase_download: { en: "Downloading", zh: "正在下载" },
  phase_verify: { en: "Checking", zh: "正在校验" },
  phase_device: { en: "Asking for the GPU", zh: "正在请求 GPU" },
  phase_weights: { en: "Loading the weights", zh: "正在加载权重" },
  phase_compile: { en: "Preparing", zh: "正在准备" },
  phase_ready: { en: "Ready", zh: "就绪" },
  bytes: { en: "{done} of {total}", zh: "{done} / {total}" },
  rate: { en: "{rate}/s", zh: "{rate}/秒" },
  pause: { en: "Pause", zh: "暂停" },
  resume: { en: "Go on", zh: "继续" },
  cancel: { en: "Cancel", zh: "取消" },
  paused: { en: "Paused", zh: "已暂停" },
  ready: { en: "{model} is ready", zh: "{model} 已就绪" },
  stopped: { en: "Stopped.", zh: "已停止。" },
  endLength: { en: "Ended at the length limit.", zh: "达到长度上限，已停止。" },
  endContext: { en: "The conversation is as long as this model can read. Start a new one.", zh: "对话已达到模型可读的长度。请开始新对话。" },
  retry: { en: "Try again", zh: "重试" },
  code: { en: "Code: {code}", zh: "代码：{code}" },
  required: { en: "Ask for an answer first.", zh: "请先提问并获得回答。" },
  "no-worker": { en: "This site's rules make the model run on the page itself, which may stutter.", zh: "本站的规则使模型只能在页面上运行，可能会卡顿。" },
  "no-gpu-in-worker": { en: "In this browser the model runs on the page itself, which may stutter.", zh: "在这个浏览器里，模型在页面上运行，可能会卡顿。" },
  "software-gpu": { en: "The only GPU here is emulated in software, so this is slow.", zh: "这里只有软件模拟的 GPU，速度会很慢。" },
  "device-lost": { en: "The GPU stopped answering; the model is brought onto it again, and the answer goes on.", zh: "GPU 停止了响应；正在重新载入模型，回答会继续。" },
  "template-chosen": { en: "The model's files carry no chat template; a known prompt format is used.", zh: "模型文件中没有对话模板，使用了已知的提示格式。" },
  do_network: { en: "The download broke off. Check the connection and try again.", zh: "下载中断。请检查网络后重试。" },
  do_offline: { en: "This device is offline. Connect it and try again.", zh: "设备处于离线状态。请联网后重试。" },
  do_cors: { en: "The model's host does not let this site read from it. Tell the site's owner.", zh: "模型所在的站点不允许本站读取。请告知站长。" },
  "do_not-found": { en: "The model is not at the address that this site gave. Tell the site's owner.", zh: "本站给出的地址上没有模型。请告知站长。" },
  do_gated: { en: "The model's host gives it only to those who have signed up there.", zh: "模型所在的站点要求先登录并同意条款。" },
  "do_hash-mismatch": {
    en: "What came is not what this site's owner chose, so it was not used. Tell the site's owner.",
    zh: "收到的文件与站长选定的不一致，因此没有使用。请告知站长。",
  },
  do_csp: { en: "This site's content security policy forbids WebAssembly. Tell the site's owner.", zh: "本站的内容安全策略禁止 WebAssembly。请告知站长。" },
  do_quota: { en: "There is not enough room on this device. Free some and try again.", zh: "设备空间不足。请清理后重试。" },
  "do_no-webgpu": { en: "This browser offers no GPU. Try a current browser.", zh: "这个浏览器没有可用的 GPU。请换用新版浏览器。" },
  "do_too-big": { en: "The model is too large for this device.", zh: "这个模型对这台设备来说太大。" },
  "do_gpu-out-of-memory": { en: "The GPU's memory is full. Close other pages and try again.", zh: "GPU 内存已满。请关闭其他页面后重试。" },
  "do_device-lost": { en: "The GPU was taken away. Start the model again; the conversation is kept.", zh: "GPU 被收回。请重新启动模型，对话会保留。" },
  "do_context-full": { en: "The conversation is longer than this model can read. Start a new one.", zh: "对话超过了模型可读的长度。请开始新对话。" },
  do_other: { en: "The model could not be used here.", zh: "模型无法在这里使用。" },
};

/** @typedef {ReturnType<typeof speaker>} Speaker */

/** Says things in the language of a tag such as `zh-Hans`; in English where there is no table. @param {string} tag */
export function speaker(tag) {
  const language = tag.toLowerCase().startsWith("zh") ? "zh" : "en";
  const round = (/** @type {number} */ value, /** @type {number} */ digits) =>
    new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  return {
    tag: language === "zh" ? "zh-Hans" : "en",
    /** @param {string} key @param {Record<string, string>} [values] */
    say: (key, values = {}) => (WIDGET[key]?.[language] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? ""),
    /** @param {string} key */
    knows: (key) => key in WIDGET,
    /** Bytes in the unit that suits them. @param {number} bytes */
    size(bytes) {
      const [unit, value] = bytes >= 1e9 ? ["GB", bytes / 1e9] : ["MB", bytes / 1e6];
      return `${round(value, value < 10 ? 1 : 0)} ${unit}`;
    },
  };
}
