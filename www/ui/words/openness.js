// What is said of the openness ledger where its own words cannot be had, and of the licences that are kept, in English and Chinese.

/** @type {Record<string, import("../../ledger.js").Both>} */
export const OPENNESS = {
  single: {
    en: "The openness ledger is not in the single file. What the model’s own file states is here.",
    zh: "单文件版本不含开放程度台账。这里只显示模型文件的自述。",
  },
  failed: { en: "The openness ledger could not be read just now.", zh: "暂时无法读取开放程度台账。" },

  texts: { en: "Licence texts", zh: "许可证文本" },
  kept: { en: "{name}, kept on {date}", zh: "{name}，保存于 {date}" },
  from: { en: "As it came from {url}", zh: "取自 {url}，原样保存" },
  none: { en: "There is no licence text in the repository, as it listed its files on {date}.", zh: "仓库中没有许可证文本（以其 {date} 的文件列表为准）。" },
  unasked: { en: "No licence text is kept: this download did not ask for one.", zh: "未保存许可证文本：这次下载没有获取它。" },
  address: {
    en: "No licence text is kept: an address does not list what lies beside it, and nothing is guessed.",
    zh: "未保存许可证文本：网址不会列出旁边的文件，这里也不作猜测。",
  },
  notText: { en: "It is no plain text, so it is kept but not shown.", zh: "它不是纯文本，因此只保存、不显示。" },
  damaged: { en: "What is kept of it is damaged.", zh: "保存的内容已损坏。" },
  big: { en: "{name} is larger than 1 MB, so it is not kept.", zh: "{name} 超过 1 MB，因此未保存。" },
  missed: { en: "{name} could not be had ({why}), so it is not kept.", zh: "未能取得 {name}（{why}），因此未保存。" },

  check: { en: "Ask {host} for the licence as it is now", zh: "向 {host} 查询当前的许可证" },
  asking: { en: "Asking {host}…", zh: "正在查询 {host}…" },
  same: { en: "{name}: unchanged at {host}, {date}.", zh: "{name}：{host} 上的内容未变，{date}。" },
  changed: { en: "{name} at {host} is another text by now. The one that you have stays as it is.", zh: "{host} 上的 {name} 现在是另一份文本。你保存的那份保持不变。" },
  unread: { en: "{name} could not be read at {host} just now ({why}). The one that is kept stays.", zh: "暂时无法读取 {host} 上的 {name}（{why}）。保存的那份仍在。" },
  fresh: { en: "{host} has {name}, which is not kept here.", zh: "{host} 上有 {name}，这里尚未保存。" },
  gone: { en: "{name} is no longer in the repository. The one that is kept stays.", zh: "仓库中已没有 {name}。保存的那份仍在。" },
  failedAsk: { en: "{host} could not be asked ({why}). What is kept stays readable.", zh: "无法查询 {host}（{why}）。已保存的内容仍可阅读。" },
  failedKeep: { en: "It could not be kept ({why}).", zh: "未能保存（{why}）。" },
  then: { en: "Kept, {date}:", zh: "保存的版本，{date}：" },
  now: { en: "There now, {date}, revision {revision}:", zh: "现在的版本，{date}，修订 {revision}：" },
  differ: { en: "What differs: − only in the one that is kept, + only in the new one", zh: "差异：− 仅见于保存的版本，+ 仅见于新版本" },
  whole: { en: "{name} as it is there", zh: "{name} 的现有文本" },
  keep: { en: "Keep these beside it", zh: "一并保存" },
};
