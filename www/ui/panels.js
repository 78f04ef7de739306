// The table of the page's elements: one line a feature.

import { NomoatTalk } from "./chat.js";
import { NomoatFacts } from "./facts.js";
import { NomoatOffline } from "./offline.js";
import { NomoatProblem } from "./problem.js";
import { NomoatProgress } from "./progress.js";
import { NomoatSettings } from "./settings.js";
import { NomoatSingle } from "./single.js";
import { NomoatSource } from "./source.js";
import { NomoatTrace } from "./trace.js";
import { NomoatWrite } from "./write.js";

/** @type {[string, CustomElementConstructor][]} */
export const PANELS = [
  ["nomoat-source", NomoatSource],
  ["nomoat-progress", NomoatProgress],
  ["nomoat-problem", NomoatProblem],
  ["nomoat-facts", NomoatFacts],
  ["nomoat-talk", NomoatTalk],
  ["nomoat-write", NomoatWrite],
  ["nomoat-settings", NomoatSettings],
  ["nomoat-trace", NomoatTrace],
  ["nomoat-offline", NomoatOffline],
  ["nomoat-single", NomoatSingle],
];
