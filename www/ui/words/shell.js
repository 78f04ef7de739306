// What the frame, the first screen and the panels at the side say, in English and Chinese.

/** @type {import("../words.js").Words} */
export const SHELL = {
  skip: { en: "Skip to the conversation", zh: "跳到对话" },
  panels: { en: "Conversations, models, privacy", zh: "对话、模型、隐私" },
  theme: { en: "Colours: {theme}", zh: "颜色：{theme}" },
  theme_auto: { en: "as the device", zh: "跟随设备" },
  theme_light: { en: "light", zh: "浅色" },
  theme_dark: { en: "dark", zh: "深色" },
  onDevice: { en: "On this device", zh: "在本机运行" },
  offlineNow: { en: "Offline", zh: "离线中" },
  tab_history: { en: "History", zh: "历史" },
  tab_library: { en: "Models", zh: "模型" },
  tab_card: { en: "Card", zh: "模型卡" },
  tab_openness: { en: "Openness", zh: "开放度" },
  tab_privacy: { en: "Privacy", zh: "隐私" },
  tab_diagnosis: { en: "Device", zh: "设备" },

  // first screen
  forDevice: { en: "A real assistant for this device", zh: "适合本设备的助手" },
  speaks: { en: "Speaks {languages}", zh: "会说{languages}" },
  offerFrom: { en: "{size} · {licence} · made by {origin}, from {host}", zh: "{size} · {licence} · {origin} 制作，来自 {host}" },
  "terms_open-weights": { en: "Open weights", zh: "开放权重" },
  "terms_weights-available": { en: "Weights available", zh: "权重可得" },
  get: { en: "Get it · {size}", zh: "获取 · {size}" },
  getOf: { en: "Get it · {size}: {name}", zh: "获取 · {size}：{name}" },
  others: { en: "Other models", zh: "其他模型" },
  ownModel: { en: "A model of your own", zh: "你自己的模型" },
  ownOpen: { en: "Open a file", zh: "打开文件" },
  addressNone: { en: "This is neither an address nor a name like owner/model.", zh: "这既不是网址，也不是 owner/model 这样的名称。" },
  ownFile: { en: "It is read in place and not copied.", zh: "就地读取，不会复制到别处。" },
  ownDrop: { en: "You can drop it anywhere on this page.", zh: "也可以拖到页面上任意位置。" },
  alreadyHere: { en: "Already on this device", zh: "已在本机" },
  open: { en: "Open", zh: "打开" },
  resume: { en: "Go on", zh: "继续" },
  addressOrName: { en: "An address, or owner/name on a model hub", zh: "网址，或模型站上的 作者/名称" },
  addressExample: { en: "https://…/model.gguf or owner/name:Q4_K_M", zh: "https://…/model.gguf 或 作者/名称:Q4_K_M" },
  lookUp: { en: "Look it up", zh: "查看" },
  memoryOnly: {
    en: "This browser keeps no files for this page: a model from the network is held in memory, and has to be downloaded again next time.",
    zh: "这个浏览器不为本页保存文件：来自网络的模型只保存在内存中，下次需要重新下载。",
  },
  small: {
    en: "This is a small device, so models up to {size} are offered.",
    zh: "这是一台小型设备，因此推荐不超过 {size} 的模型。",
  },
  startedSmall: {
    en: "This page ended unexpectedly {times} times, probably for lack of memory. It starts small now: small models, a short context.",
    zh: "这个页面已有 {times} 次意外结束，可能是内存不足。现在以小规模启动：小模型、短上下文。",
  },
  startNormally: { en: "Start as usual", zh: "照常启动" },
  linked: {
    en: "A link asks for the model {name}. Nothing is loaded until you say so.",
    zh: "一个链接请求加载模型 {name}。在你同意之前不会加载任何内容。",
  },

  // the model that comes with the page
  seedlingIs: { en: "{name}, a {size} model that came with this page; it tells stories.", zh: "{name}：随页面附带的模型，{size}，会讲故事（英文）。" },
  seedlingShort: { en: "{size} · came with this page, tells stories", zh: "{size} · 随页面附带，会讲故事" },
  seedlingLoading: { en: "It is being made ready…", zh: "正在准备…" },
  seedlingReady: { en: "It is ready, on this device.", zh: "已在本机就绪。" },
  seedlingTry: { en: "Try one of these, or change it as you like", zh: "试试下面的句子，也可以随意修改" },
  seedlingFailed: {
    en: "The small model that comes with this page could not be loaded ({code}). Choose another one.",
    zh: "随页面附带的小模型无法加载（{code}）。请选择其他模型。",
  },
  seedling_1: { en: "Tell me a story about a fox and a lantern", zh: "Tell me a story about a fox and a lantern" },
  seedling_2: { en: "A funny story with a robot and a pancake, set on a ship", zh: "A funny story with a robot and a pancake, set on a ship" },
  seedling_3: { en: "Does my text leave this device?", zh: "我的文字会离开这台设备吗？" },

  // consent
  askTitle: { en: "Download {name}?", zh: "下载 {name}？" },
  askSize: { en: "Size", zh: "大小" },
  askFrom: { en: "From", zh: "来源" },
  askLicence: { en: "Licence", zh: "许可证" },
  askFits: { en: "Fits", zh: "能否运行" },
  askRoom: { en: "Room", zh: "存储空间" },
  askVariant: { en: "Variant", zh: "版本" },
  askLooking: { en: "Reading what {host} says of it…", zh: "正在读取 {host} 上的说明…" },
  askUnknown: { en: "not known yet", zh: "尚未得知" },
  askStated: { en: "as its source states it", zh: "以其来源所述为准" },
  askGated: { en: "The host asks for an account before it gives this file.", zh: "该网站要求登录账号后才提供此文件。" },
  askLink: {
    en: "This comes from a link that you followed. Looking it up tells {host} your network address.",
    zh: "这来自你打开的链接。查看它会让 {host} 得知你的网络地址。",
  },
  askSees: {
    en: "{host} sees your network address and which file you fetch. What you write stays on this device.",
    zh: "{host} 会看到你的网络地址和所取的文件。你写的内容不会离开本机。",
  },
  askMetered: {
    en: "This connection seems to be metered, or asked to save data: the download may cost you.",
    zh: "当前网络可能按流量计费，或已开启省流量模式：下载可能产生费用。",
  },
  askFree: { en: "{size} free", zh: "剩余 {size}" },
  askTight: { en: "{size} free, which is too little to keep it: it would be held in memory only", zh: "剩余 {size}，不足以保存：只能放在内存中" },
  askYes: { en: "Yes, with a context of {context} tokens; {memory} of memory", zh: "可以，上下文 {context} 个词元；占用内存 {memory}" },
  askNo: { en: "No", zh: "不能" },
  askDownload: { en: "Download", zh: "下载" },
  askDownloadSize: { en: "Download {size}", zh: "下载 {size}" },
  askAnyway: { en: "Try anyway", zh: "仍要尝试" },
  askOwn: { en: "Use my own file", zh: "使用我自己的文件" },

  // the model
  why_missing: { en: "this browser has no WebGPU", zh: "这个浏览器不支持 WebGPU" },
  why_none: { en: "this browser has WebGPU, but finds no GPU that it may use", zh: "这个浏览器支持 WebGPU，但找不到可用的 GPU" },
  why_software: {
    en: "the only GPU here is emulated in software, which is slower than the CPU",
    zh: "这里只有软件模拟的 GPU，比 CPU 更慢",
  },

  // loading
  left: { en: "about {time} left", zh: "大约还需 {time}" },

  // what a header tells of fitting
  fit_quota: {
    en: "It takes {needed} of storage, and {available} are free: it would be held in memory only.",
    zh: "需要 {needed} 存储空间，剩余 {available}：只能放在内存中。",
  },
  fit_context: {
    en: "There is room for a context of {context} tokens, not of {wanted}.",
    zh: "内存只够 {context} 个词元的上下文，不够 {wanted} 个。",
  },
  "fit_software-gpu": {
    en: "The only GPU here is emulated in software, so it runs on the CPU.",
    zh: "这里只有软件模拟的 GPU，因此在 CPU 上运行。",
  },
  "fit_no-webgpu": { en: "There is no GPU that this page may use, so it runs on the CPU.", zh: "没有可供本页使用的 GPU，因此在 CPU 上运行。" },
  fit_tight: { en: "It is tight: {needed} of the {available} that this device has.", zh: "内存较紧：需要 {needed}，本机共 {available}。" },
  "fit_long-context": {
    en: "A context of {context} tokens is longer than the {trained} it was made for.",
    zh: "{context} 个词元的上下文超过了它训练时的 {trained} 个。",
  },
  "fit_tensor-too-big": {
    en: "One tensor, {tensor}, takes {needed}: more than this GPU’s largest buffer, {available}.",
    zh: "张量 {tensor} 需要 {needed}，超过了这块 GPU 的最大缓冲区 {available}。",
  },
  fit_memory: { en: "It needs {needed} of memory, and there are {available}.", zh: "需要 {needed} 内存，而本机可用 {available}。" },
  "fit_cache-too-big": {
    en: "The memory of one layer for {context} tokens takes {needed}: more than this GPU’s largest buffer, {available}.",
    zh: "{context} 个词元时一层的缓存需要 {needed}，超过了这块 GPU 的最大缓冲区 {available}。",
  },
  fit_format: { en: "In {format} it would take {bytes}.", zh: "若用 {format} 格式，需要 {bytes}。" },

  // library
  lib_empty: { en: "No model is stored on this device yet.", zh: "本机还没有保存模型。" },
  lib_none: {
    en: "This browser keeps no files for this page, so models live in memory until it is closed.",
    zh: "这个浏览器不为本页保存文件，模型只在页面关闭前保存在内存中。",
  },
  lib_used: { en: "{used} of {quota} used", zh: "已用 {used}，共 {quota}" },
  lib_models: { en: "{size} of it are models", zh: "其中模型占 {size}" },
  lib_kept: { en: "The browser keeps this until you delete it.", zh: "浏览器会一直保留，直到你删除。" },
  lib_loose: { en: "The browser may clear this when the device runs short of room.", zh: "设备空间不足时，浏览器可能会清除这些内容。" },
  lib_keep: { en: "Ask it to keep them", zh: "请求长期保留" },
  lib_refused: { en: "The browser declined for now.", zh: "浏览器暂时拒绝了。" },
  lib_last: { en: "last used {when}", zh: "上次使用：{when}" },
  lib_part: { en: "{done} of {size} here", zh: "已有 {done}，共 {size}" },
  lib_verify: { en: "Verify", zh: "校验" },
  lib_verifying: { en: "Verifying…", zh: "正在校验…" },
  lib_sound: { en: "Verified: every byte is as it was.", zh: "校验通过：每个字节都完好。" },
  lib_broken: { en: "It is damaged: delete it and download it again.", zh: "文件已损坏：请删除后重新下载。" },
  lib_textBroken: { en: "The model is as it was; a licence text that is kept with it is damaged.", zh: "模型完好；随模型保存的一份许可证文本已损坏。" },
  lib_delete: { en: "Delete", zh: "删除" },
  lib_sure: { en: "Delete for good", zh: "确定删除" },
  lib_deleted: { en: "{name} was deleted.", zh: "已删除 {name}。" },
  lib_hash: { en: "SHA-256", zh: "SHA-256" },

  // card
  card_none: { en: "No model is loaded. Its card is shown here, from what its own files say.", zh: "尚未加载模型。加载后，这里会显示其文件自述的信息。" },
  card_name: { en: "Name", zh: "名称" },
  card_author: { en: "Author", zh: "作者" },
  card_licence: { en: "Licence", zh: "许可证" },
  card_lineage: { en: "Made from", zh: "源自" },
  card_datasets: { en: "Training data", zh: "训练数据" },
  card_quantiser: { en: "Quantised by", zh: "量化者" },
  card_formats: { en: "Block formats", zh: "块格式" },
  card_family: { en: "Family", zh: "系列" },
  card_parameters: { en: "Parameters", zh: "参数量" },
  card_context: { en: "Context", zh: "上下文" },
  card_contextOf: { en: "{count} tokens, of {trained} trained", zh: "{count} 个词元（训练时为 {trained}）" },
  card_languages: { en: "Languages", zh: "语言" },
  card_hash: { en: "SHA-256", zh: "SHA-256" },
  card_source: { en: "Loaded from", zh: "加载自" },
  card_file: { en: "a file of yours", zh: "你的文件" },
  card_stated: {
    en: "This is what the files say of themselves; nobody has checked it. What they leave out is “not stated”.",
    zh: "以上是文件的自述，未经核实。没有写明的一律标为“未说明”。",
  },

  // privacy
  priv_words: { en: "Your words go nowhere. There is no server that could get them.", zh: "你的文字不会发往任何地方，这里没有能收到它们的服务器。" },
  priv_host: { en: "A model’s host sees your network address and which file you fetch.", zh: "模型所在的网站会看到你的网络地址，以及你获取了哪个文件。" },
  priv_try: { en: "Switch your network off and go on: a loaded model writes all the same.", zh: "断开网络继续用吧：已加载的模型照样能写。" },
  priv_off: { en: "The network is off right now.", zh: "当前网络已断开。" },
  priv_all: { en: "Every request of this page", zh: "本页的所有请求" },
  priv_to: { en: "Host", zh: "主机" },
  priv_why: { en: "Why", zh: "原因" },
  priv_count: { en: "Requests", zh: "次数" },
  priv_bytes: { en: "Received", zh: "接收" },
  priv_self: { en: "this site", zh: "本站" },
  priv_via: { en: "by way of {host}", zh: "经由 {host}" },
  priv_page: { en: "the page itself", zh: "页面本身" },
  priv_list: { en: "what the host lists", zh: "网站的文件列表" },
  priv_model: { en: "the model", zh: "模型" },
  priv_sum: { en: "{count} requests, {size} received; nothing that you wrote was sent.", zh: "共 {count} 次请求，接收 {size}；你写的内容从未发送。" },
  priv_export: { en: "Export as JSON", zh: "导出 JSON" },

  // diagnosis
  diag_intro: { en: "What this browser and device offer. Nothing of it is sent; copy it into a report if you want to.", zh: "这个浏览器和设备的能力。不会发送任何信息；需要反馈问题时可自行复制。" },
  diag_text: { en: "Browser, adapter and storage", zh: "浏览器、显卡与存储" },
  diag_look: { en: "Look again", zh: "重新检测" },
};
