// The widget's look, as a sheet that its shadow trees adopt: no style is ever inline, so no policy of a host stands in the way.

const CSS = `
:host {
  position: relative;
  display: block;
  color-scheme: light dark;
  --paper: var(--nm-bg, light-dark(#fffefb, #1c1e1b));
  --ink: var(--nm-fg, light-dark(#1e211d, #e7e5dd));
  --mark: var(--nm-accent, light-dark(#22614f, #8fcdb6));
  --gap: var(--nm-gap, 0.75rem);
  --round: var(--nm-radius, 0.75rem);
  --line: color-mix(in oklab, var(--ink) 22%, var(--paper));
  --soft: color-mix(in oklab, var(--ink) 74%, var(--paper));
  --wash: color-mix(in oklab, var(--mark) 12%, var(--paper));
  font: 1rem/1.5 var(--nm-font, system-ui, -apple-system, "Segoe UI", "Noto Sans", "PingFang SC", "Noto Sans CJK SC", sans-serif);
  color: var(--ink);
}
:host([hidden]), [hidden] { display: none !important; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
* { box-sizing: border-box; }
.frame {
  display: flex;
  flex-direction: column;
  gap: var(--gap);
  max-block-size: var(--nm-max-height, 36rem);
  padding: var(--gap);
  background: var(--paper);
  border: 1px solid var(--line);
  border-radius: var(--round);
}
.bar, .row { display: flex; flex-wrap: wrap; align-items: center; gap: calc(var(--gap) / 2); }
.bar { justify-content: space-between; }
.badge { font-weight: 600; overflow-wrap: anywhere; }
.log { flex: 1 1 auto; min-block-size: 3rem; overflow: auto; display: grid; gap: var(--gap); align-content: start; overscroll-behavior: contain; }
.log:empty { display: none; }
.message { min-inline-size: 0; }
.who, .note, .licence, .aside { font-size: 0.8125rem; color: var(--soft); margin: 0; }
.terms { all: initial; align-self: start; padding: 0 6px; font: 600 13px/1.5 system-ui, sans-serif; color: CanvasText; background: Canvas; border: 1px solid; border-radius: 4px; }
.body { white-space: pre-wrap; overflow-wrap: anywhere; word-break: auto-phrase; }
.user .body { background: var(--wash); border-radius: calc(var(--round) * 0.75); padding: 0.5em 0.75em; inline-size: fit-content; max-inline-size: 100%; }
.body.rich { white-space: normal; }
.off :is(.again, .edit), .message:not(:last-child) .again, .message:nth-last-child(n + 3) .edit { display: none; }
.unseen { padding-inline: 0.25em; border-radius: 0.2em; background: var(--ink); color: var(--paper); font: 0.75em ui-monospace, Menlo, Consolas, monospace; unicode-bidi: isolate; }
.body > :first-child { margin-block-start: 0; }
.body > :last-child { margin-block-end: 0; }
.body :is(p, ul, ol, blockquote, table, .code, .table) { margin-block: 0.6em; }
.body :is(h2, h3, h4, h5, h6) { font-size: 1.05em; margin-block: 0.9em 0.4em; }
.body :is(ul, ol) { padding-inline-start: 1.5em; }
.body blockquote { margin-inline: 0; padding-inline-start: 0.9em; border-inline-start: 3px solid var(--line); color: var(--soft); }
.body a { color: var(--mark); overflow-wrap: anywhere; }
.host { font-size: 0.8125em; color: var(--soft); }
.code { border: 1px solid var(--line); border-radius: calc(var(--round) * 0.5); }
.code > .row { justify-content: space-between; padding-inline: 0.75em; min-block-size: 2.25rem; }
.code button { min-block-size: 1.75rem; padding: 0 0.5em; font-size: 0.8125rem; border-color: transparent; }
.body code { font: 0.875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono", monospace; }
.body pre { margin: 0; padding: 0.75em; overflow-x: auto; direction: ltr; text-align: start; white-space: pre; background: var(--wash); }
.body .table { overflow-x: auto; }
.body table { border-collapse: collapse; margin: 0; }
.body :is(th, td) { padding: 0.3em 0.75em; border: 1px solid var(--line); text-align: start; }
.body .center { text-align: center; }
.body .right { text-align: end; }
.panel { display: grid; gap: calc(var(--gap) / 2); padding: var(--gap); border: 1px solid var(--line); border-radius: calc(var(--round) * 0.75); background: var(--wash); }
.panel p, .frame > p { margin: 0; }
/* the widget's own words read left to right, whatever the page's direction */
p, button, .badge, [lang] { unicode-bidi: plaintext; }
progress { inline-size: 100%; accent-color: var(--mark); }
.composer { display: flex; align-items: flex-end; gap: calc(var(--gap) / 2); }
textarea {
  flex: 1;
  min-inline-size: 0;
  min-block-size: 2.75rem;
  max-block-size: 10rem;
  resize: none;
  field-sizing: content;
  font: inherit;
  font-size: max(1em, 16px);
  color: inherit;
  background: transparent;
  border: 1px solid color-mix(in oklab, var(--ink) 55%, var(--paper));
  border-radius: calc(var(--round) * 0.75);
  padding: 0.55em 0.75em;
}
textarea::placeholder { color: var(--soft); opacity: 1; }
button {
  font: inherit;
  font-size: 0.9375rem;
  min-block-size: 2.75rem;
  padding: 0.3em 0.9em;
  color: inherit;
  background: transparent;
  border: 1px solid color-mix(in oklab, var(--ink) 45%, var(--paper));
  border-radius: calc(var(--round) * 0.75);
  cursor: pointer;
}
button.main { background: var(--mark); border-color: var(--mark); color: var(--paper); font-weight: 600; }
button.small { min-block-size: 1.75rem; padding: 0 0.5em; font-size: 0.8125rem; border-color: transparent; color: var(--soft); }
button:disabled, textarea:disabled { opacity: 0.55; cursor: default; }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
.away { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-contrast: more) { :host { --soft: var(--ink); --line: var(--ink); } }
@media (forced-colors: active) {
  button, textarea, .frame, .panel { border-color: ButtonBorder; }
  button.main { background: ButtonFace; color: ButtonText; }
  .user .body { border: 1px solid CanvasText; }
}
`;

/** @type {CSSStyleSheet | undefined} */
let sheet;

/** The one sheet of all widgets. */
export function style() {
  if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(CSS);
  return sheet;
}
