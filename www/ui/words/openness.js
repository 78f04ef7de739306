// What is said of the openness ledger where its own words cannot be had, in English and Chinese.

/** @type {Record<string, import("../../ledger.js").Both>} */
export const OPENNESS = {
  single: {
    en: "The openness ledger is not in the single file. What the model’s own file states is here.",
    zh: "单文件版本不含开放程度台账。这里只显示模型文件的自述。",
  },
  failed: { en: "The openness ledger could not be read just now.", zh: "暂时无法读取开放程度台账。" },
};
