// What the list of conversations says, in English and Chinese.

/** @type {import("../words.js").Words} */
export const HISTORY = {
  history: { en: "History", zh: "历史" },
  historyTitle: { en: "Conversations on this device", zh: "这台设备上的对话" },
  historySearch: { en: "Search in conversations", zh: "搜索对话" },
  historyNoHit: { en: "Nothing found.", zh: "没有找到。" },
  historyNone: { en: "Nothing here yet.", zh: "这里还没有内容。" },
  historyFound: { en: "{count} found", zh: "找到 {count} 个" },
  historyOpen: { en: "Open “{title}”", zh: "打开“{title}”" },
  historyRename: { en: "Rename", zh: "改名" },
  historyRenameOf: { en: "Rename “{title}”", zh: "给“{title}”改名" },
  historyName: { en: "Name of the conversation", zh: "对话的名称" },
  historyKeep: { en: "Keep", zh: "保存" },
  historyDelete: { en: "Delete", zh: "删除" },
  historyDeleteOf: { en: "Delete “{title}”", zh: "删除“{title}”" },
  historySure: { en: "Really delete", zh: "确认删除" },
  historyClear: { en: "Delete all", zh: "全部删除" },
  historyMarkdown: { en: "Markdown", zh: "Markdown" },
  historyMarkdownOf: { en: "Export “{title}” as Markdown", zh: "将“{title}”导出为 Markdown" },
  historyExport: { en: "Export all (JSON)", zh: "全部导出（JSON）" },
  historyImport: { en: "Import", zh: "导入" },
  historyImported: { en: "{count} imported.", zh: "已导入 {count} 个。" },
  historyDeleted: { en: "Deleted.", zh: "已删除。" },
  historyTurns: { en: "{count} messages", zh: "{count} 条消息" },
  historyText: { en: "text", zh: "文字" },
  historyMemory: {
    en: "This browser gives the page no storage, or no more of it: what is new lasts until the page is closed. The history can export it.",
    zh: "浏览器没有给本页存储空间，或空间已用完：新的内容只保留到页面关闭为止。可从“历史”中导出。",
  },
};
