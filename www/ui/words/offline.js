// What <nomoat-offline> and <nomoat-single> say, in English and Chinese.

/** @type {import("../words.js").Words} */
export const OFFLINE = {
  offlineKept: {
    en: "This page is kept on this device: it opens and works without a network.",
    zh: "这个页面已保存在本设备上：没有网络也能打开和使用。",
  },
  offlineNew: { en: "A new version is ready.", zh: "新版本已就绪。" },
  offlineWaits: {
    en: "A new version is ready. It waits until another tab has finished its answer.",
    zh: "新版本已就绪，正在等待另一个标签页完成回答。",
  },
  offlineOld: { en: "This tab still has the version before the last update.", zh: "这个标签页仍是更新前的版本。" },
  offlineReload: { en: "Reload", zh: "重新载入" },
  offlineInstall: { en: "Install as an app", zh: "安装为应用" },
  singlePromise: {
    en: "All of nomoat is in this one file, and its own policy allows it no connection at all (connect-src 'none'): what you write cannot leave it.",
    zh: "整个 nomoat 都在这一个文件里，它自带的策略不允许任何网络连接（connect-src 'none'）：你写的内容无法离开它。",
  },
  is_sealed: { en: "This file may not connect to anything", zh: "这个文件不允许连接任何地方" },
  did_sealed: { en: "Nothing was asked of any host.", zh: "没有向任何网站发出请求。" },
  do_sealed: {
    en: "Download the model in another page, and open it here as a file.",
    zh: "请在其他页面下载模型，再在这里作为文件打开。",
  },
  singleNotices: { en: "Licences of what is inside", zh: "所含软件的许可证" },
  singleModel: { en: "Use the model in this file", zh: "使用此文件内的模型" },
};
