import type { Key, Language } from "../text/text";
import { el } from "./dom";

const ROWS: readonly (readonly [keys: string, words: Key])[] = [
  ["↑ ↓ ← →", "help.slice"],
  ["PgUp PgDn", "help.ten"],
  ["Home End", "help.ends"],
  ["[ ]", "help.series"],
  ["1 – 6", "help.presets"],
  ["w z p s l", "help.tools"],
  ["i", "help.invert"],
  ["r", "help.reset"],
  ["f", "help.fit"],
  ["+ −", "help.zoom"],
  ["Space", "help.cine"],
  ["Del", "help.delete"],
  ["x", "help.pane"],
  ["b", "help.priors"],
  ["y", "action.sync"],
  ["q", "action.lock"],
  ["?", "help.help"],
];

const GESTURES: readonly (readonly [Key, Key])[] = [
  ["help.right", "help.window.gesture"],
  ["help.middle", "help.pan.gesture"],
  ["help.wheel", "help.slice"],
  ["help.ctrlWheel", "help.zoom"],
];

/** A dialog with every key and gesture. */
export function makeHelp(language: Language): HTMLDialogElement {
  const row = (keys: string, words: Key): HTMLElement[] => [el("dt", {}, el("kbd", { text: keys })), el("dd", { text: language.say(words) })];
  const close = el("button", { type: "button", text: language.say("action.close"), on: { click: () => dialog.close() } });
  const dialog: HTMLDialogElement = el(
    "dialog",
    { class: "help", "aria-label": language.say("help.title") },
    el("h2", { text: language.say("help.title") }),
    el("dl", {}, ...ROWS.flatMap(([keys, words]) => row(keys, words)), ...GESTURES.flatMap(([keys, words]) => row(language.say(keys), words))),
    close,
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}
