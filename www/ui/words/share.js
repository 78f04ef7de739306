// What the dialog "Put this on my site" says, in English and Chinese.

/** @type {import("../words.js").Words} */
export const SHARE = {
  shareOpen: { en: "Put this on my site", zh: "放到我的网站" },
  shareLead: {
    en: "Two lines put this model on a page of yours. It runs on your visitors' devices: no server, no key, no fee.",
    zh: "两行代码，就能把这个模型放到你的网页上。它在访客的设备上运行：不需要服务器、密钥或费用。",
  },
  shareModel: { en: "Model: an address, or owner/name on the hub", zh: "模型：网址，或模型库里的 owner/name" },
  shareFile: {
    en: "The model here is a file of yours: visitors need an address that it can be read from.",
    zh: "这里的模型是你本机的文件：访客需要一个能读取它的网址。",
  },
  shareFrom: { en: "The script comes from", zh: "脚本来自" },
  shareHere: { en: "this site", zh: "本站" },
  shareOwn: { en: "my own site", zh: "我自己的网站" },
  shareTag: { en: "Paste this", zh: "粘贴这些代码" },
  sharePinned: {
    en: "The hash pins the script, and through it everything that it loads: if a byte changes, it does not run.",
    zh: "哈希值锁定了脚本以及它加载的一切：哪怕改动一个字节，它都不会运行。",
  },
  shareCors: {
    en: "Other sites can take it from here only if this site lets them read it (Access-Control-Allow-Origin).",
    zh: "只有本站允许其他网站读取（Access-Control-Allow-Origin），其他网站才能从这里加载。",
  },
  sharePolicy: { en: "If your site has a content security policy, it must allow at least", zh: "如果你的网站有内容安全策略，至少要允许" },
  shareCost: { en: "What it costs your visitors", zh: "访客的开销" },
  shareBefore: { en: "{size} with your page, and nothing else until they agree", zh: "随页面加载 {size}，访客同意之前没有别的" },
  shareAfter: { en: "then {size} for the engine", zh: "然后引擎 {size}" },
  shareWeights: { en: "and {size} for the model, once", zh: "以及模型 {size}，只下载一次" },
  shareWeightsUnknown: { en: "and the model, whose size is not known here", zh: "以及模型，大小在这里未知" },
  sharePreview: { en: "As your visitors see it", zh: "访客看到的样子" },
  shareZip: { en: "Download the folder to host it myself", zh: "下载文件夹，自己托管" },
  shareZipNote: { en: "Script, engine, licences and a page: {size}, unpacked anywhere.", zh: "脚本、引擎、许可证和一个网页：{size}，解压到任何地方即可。" },
  shareCopy: { en: "Copy", zh: "复制" },
  shareCopied: { en: "Copied", zh: "已复制" },
  shareNone: {
    en: "The script is not beside this page. Open the page from the site that it was published on.",
    zh: "这个页面旁边没有脚本。请从发布它的网站打开页面。",
  },
};
