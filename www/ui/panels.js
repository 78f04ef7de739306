// The table of the page's elements: one line a feature.

import { NomoatCard } from "./card.js";
import { NomoatTalk } from "./chat.js";
import { NomoatComposer } from "./composer.js";
import { NomoatConsent } from "./consent.js";
import { NomoatDiagnosis } from "./diagnosis.js";
import { NomoatFacts } from "./facts.js";
import { NomoatHeader } from "./header.js";
import { NomoatHistory } from "./history.js";
import { NomoatLibrary } from "./library.js";
import { NomoatOffline } from "./offline.js";
import { NomoatOpenness } from "./openness.js";
import { NomoatPrivacy } from "./privacy.js";
import { NomoatProblem } from "./problem.js";
import { NomoatProgress } from "./progress.js";
import { NomoatSettings } from "./settings.js";
import { NomoatShare } from "./share.js";
import { NomoatSide } from "./side.js";
import { NomoatSingle } from "./single.js";
import { NomoatSource } from "./source.js";
import { NomoatStart } from "./start.js";
import { NomoatTrace } from "./trace.js";
import { NomoatWrite } from "./write.js";

/** @type {[string, CustomElementConstructor][]} */
export const PANELS = [
  ["nomoat-source", NomoatSource],
  ["nomoat-start", NomoatStart],
  ["nomoat-progress", NomoatProgress],
  ["nomoat-problem", NomoatProblem],
  ["nomoat-facts", NomoatFacts],
  ["nomoat-composer", NomoatComposer],
  ["nomoat-talk", NomoatTalk],
  ["nomoat-write", NomoatWrite],
  ["nomoat-settings", NomoatSettings],
  ["nomoat-history", NomoatHistory],
  ["nomoat-share", NomoatShare],
  ["nomoat-trace", NomoatTrace],
  ["nomoat-offline", NomoatOffline],
  ["nomoat-single", NomoatSingle],
  ["nomoat-header", NomoatHeader],
  ["nomoat-side", NomoatSide],
  ["nomoat-consent", NomoatConsent],
  ["nomoat-library", NomoatLibrary],
  ["nomoat-card", NomoatCard],
  ["nomoat-openness", NomoatOpenness],
  ["nomoat-privacy", NomoatPrivacy],
  ["nomoat-diagnosis", NomoatDiagnosis],
];

/** The tabs at the side, in their order: name, element; those that are not in the table above are left out. @type {[string, string][]} */
export const SIDE = [
  ["history", "nomoat-history"],
  ["library", "nomoat-library"],
  ["card", "nomoat-card"],
  ["openness", "nomoat-openness"],
  ["privacy", "nomoat-privacy"],
  ["diagnosis", "nomoat-diagnosis"],
];
