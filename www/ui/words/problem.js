// What is said of each stable code, in English and Chinese: what it is, what was done about it, and one thing to do.
// Codes that are only ever warnings have `warn_` words; `act_` are the buttons.

/** @type {import("../words.js").Words} */
export const PROBLEM = {
  problem: { en: "That did not work", zh: "出错了" },
  code: { en: "Code: {code}", zh: "代码：{code}" },
  saidBy: { en: "In detail", zh: "详细信息" },

  "is_no-webgpu": { en: "There is no GPU that this page may use", zh: "没有可供本页使用的 GPU" },
  "did_no-webgpu": { en: "The GPU was asked for, so nothing was loaded.", zh: "由于指定了使用 GPU，没有加载任何内容。" },
  "do_no-webgpu": { en: "Run it on the CPU: slower, with the same answers.", zh: "改在 CPU 上运行：较慢，但结果相同。" },

  "is_no-gpu-in-worker": { en: "The GPU works only on the page itself", zh: "GPU 只能在页面本身使用" },
  "did_no-gpu-in-worker": { en: "The model runs on the page instead of beside it.", zh: "模型改为直接在页面上运行。" },
  "do_no-gpu-in-worker": { en: "If the page stutters, run it on the CPU.", zh: "如果页面卡顿，请改在 CPU 上运行。" },
  "warn_no-gpu-in-worker": {
    en: "This browser has WebGPU only on the page itself, so the page may stutter while the model works.",
    zh: "这个浏览器只在页面本身支持 WebGPU，模型工作时页面可能会卡顿。",
  },

  "is_software-gpu": { en: "The only GPU here is emulated in software", zh: "这里只有软件模拟的 GPU" },
  "did_software-gpu": { en: "It is used, because that was asked for.", zh: "已按要求使用它。" },
  "do_software-gpu": { en: "Run it on the CPU, which is faster here.", zh: "改在 CPU 上运行，在这里更快。" },
  "warn_software-gpu": {
    en: "The only GPU here is emulated in software, so this is slow.",
    zh: "这里只有软件模拟的 GPU，所以会很慢。",
  },

  "is_template-chosen": { en: "The files carry no chat template", zh: "文件中没有对话模板" },
  "did_template-chosen": { en: "A prompt format that such models know is used.", zh: "使用了同类模型通用的提示格式。" },
  "do_template-chosen": { en: "If the answers look odd, load a file that carries its template.", zh: "如果回答异常，请加载带有对话模板的文件。" },
  "warn_template-chosen": {
    en: "The files carry no chat template, so a prompt format that such models know is used. Odd answers may mean that this one expects another.",
    zh: "文件中没有对话模板，因此使用了同类模型通用的提示格式。如果回答异常，这个模型可能需要另一种格式。",
  },

  "is_self-test-failed": { en: "This GPU gives wrong results", zh: "这块 GPU 的计算结果有误" },
  "did_self-test-failed": {
    en: "A known calculation came out differently, so the model was not allowed to answer.",
    zh: "一项已知计算的结果不符，因此没有让模型作答。",
  },
  "do_self-test-failed": { en: "Run it on the CPU, and update the graphics driver when you can.", zh: "请改在 CPU 上运行，并在方便时更新显卡驱动。" },

  "is_too-big": { en: "This model is too big for this device", zh: "这个模型对本设备来说太大" },
  "did_too-big": { en: "Loading stopped before memory ran out.", zh: "已在内存耗尽之前停止加载。" },
  "do_too-big": { en: "Choose a smaller model, or a more compact format of it.", zh: "请选择更小的模型，或同一模型更紧凑的格式。" },

  "is_gpu-out-of-memory": { en: "The GPU ran out of memory", zh: "GPU 内存不足" },
  "did_gpu-out-of-memory": { en: "The model was let go, and its memory given back.", zh: "已卸下模型并释放其占用的内存。" },
  "do_gpu-out-of-memory": {
    en: "Close other pages that use the GPU and load it with a shorter context.",
    zh: "请关闭其他占用 GPU 的页面，再用更短的上下文加载。",
  },

  "is_device-lost": { en: "The GPU stopped answering", zh: "GPU 停止了响应" },
  "did_device-lost": {
    en: "What was written so far is kept; the model has to be brought in again.",
    zh: "已写出的内容仍然保留；模型需要重新载入。",
  },
  "do_device-lost": { en: "Load the model again.", zh: "请重新加载模型。" },

  "warn_device-lost": {
    en: "The GPU stopped answering while the model wrote. The model is brought onto it again, and the answer goes on where it was.",
    zh: "模型书写时 GPU 停止了响应。正在重新载入模型，回答会从中断处继续。",
  },

  "is_bad-file": { en: "This file cannot be read as a model", zh: "无法将此文件作为模型读取" },
  "did_bad-file": { en: "Nothing of it was used.", zh: "没有使用其中任何内容。" },
  "do_bad-file": { en: "The file may be incomplete: download it again, or choose another.", zh: "文件可能不完整：请重新下载，或换一个文件。" },

  "is_unsupported-architecture": { en: "This family of models is not known here", zh: "这里还不支持这一系列的模型" },
  "did_unsupported-architecture": { en: "Only its description was read.", zh: "只读取了它的说明信息。" },
  "do_unsupported-architecture": { en: "Choose a model of another family.", zh: "请选择其他系列的模型。" },

  "is_unsupported-format": { en: "The weights have a format that is not known here", zh: "这里还不支持这种权重格式" },
  "did_unsupported-format": { en: "Only the file’s header was read.", zh: "只读取了文件头。" },
  "do_unsupported-format": { en: "Choose the same model in another format.", zh: "请选择同一模型的其他格式。" },

  "is_unsupported-tokenizer": { en: "The model’s tokenizer is not known here", zh: "这里还不支持该模型的分词器" },
  "did_unsupported-tokenizer": { en: "The model was not used, because it would read your words wrongly.", zh: "没有使用该模型，因为它会读错你的文字。" },
  "do_unsupported-tokenizer": { en: "Choose another model.", zh: "请选择其他模型。" },

  "is_unsupported-field": { en: "Something was asked for that is not supported", zh: "请求了不支持的功能" },
  "did_unsupported-field": { en: "It was refused rather than left out silently.", zh: "已明确拒绝，而不是悄悄忽略。" },
  "do_unsupported-field": { en: "Correct the address or the settings.", zh: "请更正网址或设置。" },

  is_network: { en: "The model’s host could not be reached", zh: "无法连接模型所在的网站" },
  did_network: { en: "It was tried several times; what has arrived is kept where it can be.", zh: "已多次重试；已收到的部分会尽量保留。" },
  do_network: { en: "Check the connection and load it again.", zh: "请检查网络后重新加载。" },

  is_cors: { en: "That site does not let pages read from it", zh: "该网站不允许网页读取其文件" },
  did_cors: { en: "Nothing was downloaded: the browser forbids it, and there is no server here to go around.", zh: "没有下载任何内容：浏览器禁止读取，而本页没有服务器可以绕行。" },
  do_cors: { en: "Download the file and drop it here.", zh: "请自行下载该文件，再拖到这里。" },

  "warn_no-range": {
    en: "The server cannot send parts of a file, so it is downloaded whole before it is read.",
    zh: "服务器不支持分段传输，需要先完整下载文件。",
  },
  "is_no-range": { en: "The host cannot send parts of a file", zh: "该网站不支持分段传输" },
  "did_no-range": { en: "The file is downloaded whole before it is read.", zh: "将先完整下载文件再读取。" },
  "do_no-range": { en: "If it breaks off, download the file yourself and choose it here.", zh: "如果中断，请自行下载后在这里选择该文件。" },

  is_gated: { en: "The host asks who you are before it gives this model", zh: "该网站要求先确认身份才提供此模型" },
  did_gated: { en: "Nothing was downloaded, and no token was sent.", zh: "没有下载任何内容，也没有发送任何令牌。" },
  do_gated: { en: "Ask the host for access, download the file there and open it here.", zh: "请先在该网站获得许可并下载文件，再在这里打开。" },

  "is_not-found": { en: "There is no model at this address", zh: "这个网址没有模型" },
  "did_not-found": { en: "The host answered, but not with a model.", zh: "网站有回应，但内容不是模型。" },
  "do_not-found": { en: "Check the address, or choose another file.", zh: "请检查网址，或换一个文件。" },

  "is_hash-mismatch": { en: "What arrived is not the file that was promised", zh: "收到的文件与应有的不一致" },
  "did_hash-mismatch": { en: "Its SHA-256 is another one, so nothing of it was used.", zh: "它的 SHA-256 不符，因此没有使用任何内容。" },
  "do_hash-mismatch": { en: "Delete it and download it again.", zh: "请删除后重新下载。" },

  is_quota: { en: "There is no room left on this device", zh: "本设备的存储空间不足" },
  did_quota: { en: "What has been verified is kept.", zh: "已校验的部分仍然保留。" },
  do_quota: { en: "Delete a model that you no longer need, then go on.", zh: "请删除不再需要的模型，然后继续。" },

  is_busy: { en: "This model is in use right now", zh: "这个模型正在使用中" },
  did_busy: { en: "It was left as it is.", zh: "没有改动它。" },
  do_busy: {
    en: "It is being downloaded or opened, here or in another tab: wait until that is done.",
    zh: "它正在本页或其他标签页中下载或打开：请等待完成。",
  },

  "is_storage-unavailable": { en: "This browser keeps no files for this page", zh: "这个浏览器不为本页保存文件" },
  "did_storage-unavailable": { en: "Nothing was stored.", zh: "没有存储任何内容。" },
  "do_storage-unavailable": { en: "Go on in memory: it works until the page is closed.", zh: "改在内存中继续：关闭页面之前都可以使用。" },
  "warn_storage-unavailable": {
    en: "Memory only: this browser keeps no files for this page, so the model has to be downloaded again next time.",
    zh: "仅用内存：这个浏览器不为本页保存文件，下次需要重新下载模型。",
  },
  "warn_quota": {
    en: "Memory only: there is no room to keep the model, so it has to be downloaded again next time.",
    zh: "仅用内存：空间不足以保存模型，下次需要重新下载。",
  },

  is_offline: { en: "This device is offline", zh: "设备当前离线" },
  did_offline: { en: "What has arrived is kept and goes on from there.", zh: "已收到的部分会保留，之后从该处继续。" },
  do_offline: { en: "Load it again when the network is back, or use a model that is already here.", zh: "请在网络恢复后重新加载，或使用已在本机的模型。" },

  "is_context-full": { en: "The conversation has reached the model’s limit", zh: "对话已达到模型的长度上限" },
  "did_context-full": { en: "Nothing was cut off or forgotten silently.", zh: "没有悄悄截断或遗忘任何内容。" },
  "do_context-full": { en: "Start a new conversation.", zh: "请开始新的对话。" },

  is_aborted: { en: "It was stopped", zh: "已停止" },
  did_aborted: { en: "What was done so far was let go.", zh: "已放弃进行中的工作。" },
  do_aborted: { en: "Load it again if you want it after all.", zh: "如果仍然需要，请重新加载。" },

  is_internal: { en: "Something went wrong inside nomoat", zh: "nomoat 内部出错" },
  did_internal: { en: "The model was let go; the page itself goes on.", zh: "已卸下模型；页面本身仍可使用。" },
  do_internal: { en: "Load the model again; if it happens twice, report it with the trace.", zh: "请重新加载；若再次出现，请附上运行记录反馈。" },

  act_cpu: { en: "Run it on the CPU", zh: "在 CPU 上运行" },
  act_again: { en: "Try again", zh: "再试一次" },
  act_file: { en: "Choose a file", zh: "选择文件" },
  act_downloaded: { en: "Choose the downloaded file", zh: "选择下载好的文件" },
  act_other: { en: "Choose another model", zh: "选择其他模型" },
  act_address: { en: "Correct the address", zh: "更正网址" },
  act_short: { en: "Load it with a shorter context", zh: "用更短的上下文加载" },
  act_room: { en: "Make room", zh: "腾出空间" },
  act_memory: { en: "Go on in memory", zh: "在内存中继续" },
  act_refetch: { en: "Delete it and download again", zh: "删除并重新下载" },
  act_clear: { en: "New conversation", zh: "新对话" },
  act_report: { en: "Show the diagnosis", zh: "查看诊断信息" },
  act_visit: { en: "Open its page", zh: "打开它的页面" },
};
