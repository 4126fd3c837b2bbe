import type { Frame } from "../dicom/frames";
import { marksFromText, marksOf } from "../dicom/geometry";
import { text } from "../dicom/json";
import type { Window } from "../dicom/window";
import { nameText } from "../dicom/words";
import type { Placement } from "../render/view";
import { lengthOf, type Stack } from "../study";
import type { Language } from "../text/text";
import { el, write } from "./dom";

/** What the words on an image are made from. */
export interface Scene {
  readonly stack: Stack;
  readonly frame: Frame;
  readonly index: number;
  readonly window: Window | undefined;
  readonly placement: Placement;
}

export interface Overlay {
  readonly element: HTMLElement;
  readonly probe: HTMLElement;
  update(scene: Scene | undefined): void;
}

/** Who, when, what and how at the four corners, orientation at the four sides, a scale below. */
export function makeOverlay(language: Language): Overlay {
  const corner = (name: string, ...children: HTMLElement[]): HTMLElement => el("div", { class: `corner ${name}` }, ...children);
  const line = (name: string): HTMLElement => el("div", { "data-overlay": name });
  const mark = (side: string): HTMLElement => el("div", { class: `mark ${side}`, "data-mark": side });
  const lines = Object.fromEntries(
    ["patient", "born", "date", "series", "slice", "window", "zoom", "lossy", "measure"].map((name) => [name, line(name)]),
  );
  const marks = { top: mark("top"), bottom: mark("bottom"), left: mark("left"), right: mark("right") };
  const probe = el("div", { "data-probe": "", class: "probe" });
  const bar = el("div", { class: "scale-bar" });
  const scale = el("div", { class: "scale", hidden: true }, bar, el("span"));
  const element = el(
    "div",
    { class: "overlay" },
    corner("nw", lines.patient!, lines.born!),
    corner("ne", lines.date!, lines.series!),
    corner("sw", probe, lines.slice!),
    corner("se", lines.lossy!, lines.measure!, lines.zoom!, lines.window!),
    ...Object.values(marks),
    scale,
  );
  const update = (scene: Scene | undefined): void => {
    element.hidden = scene === undefined;
    if (scene === undefined) return;
    for (const [name, words] of Object.entries(wordsOf(scene, language))) write(lines[name]!, words);
    const letters = scene.frame.plane === undefined ? marksFromText(scene.frame.orientation) : marksOf(scene.frame.plane);
    for (const [side, target] of Object.entries(marks)) write(target, letters?.[side as keyof typeof marks] ?? "");
    showScale(scale, bar, scene, language);
  };
  return { element, probe, update };
}

function wordsOf(scene: Scene, language: Language): Record<string, string> {
  const { frame, stack, index, window, placement } = scene;
  const { instance } = frame;
  const birth = text(instance, "00100030");
  const several = stack.frames.some((other) => other.frame > 1);
  const slice = `${stack.rest === undefined ? index + 1 : "–"}/${lengthOf(stack)}${several ? ` · ${language.say("pane.frame", { frame: frame.frame })}` : ""}`;
  const digits = window !== undefined && window.width < 10 ? 4 : 0;
  return {
    patient: [nameText(text(instance, "00100010")), text(instance, "00100020")].filter(Boolean).join(" · "),
    born: birth === "" ? "" : language.say("pane.born", { date: language.date(birth) }),
    date: [language.date(text(instance, "00080020")), text(instance, "00081030")].filter(Boolean).join(" · "),
    series: [language.say("pane.series", { number: stack.series.number ?? "–" }), stack.series.description].filter(Boolean).join(" · "),
    slice,
    lossy: frame.lossy ? language.say("pane.lossy") : "",
    measure: frame.spacing.kind === "none" ? language.say("pane.unmeasured") : "",
    zoom: language.say("pane.zoom", { percent: Math.round(placement.across * 100) }),
    window:
      window === undefined
        ? ""
        : language.say("pane.window", { width: language.number(window.width, digits), center: language.number(window.center, digits) }),
  };
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** The longest round length that takes at most a quarter of the pane. */
function showScale(scale: HTMLElement, bar: HTMLElement, { frame, placement }: Scene, language: Language): void {
  const perMillimetre = placement.across / frame.spacing.column;
  const room = (scale.parentElement?.clientWidth ?? 0) / 4;
  const length = STEPS.filter((step) => step * perMillimetre <= room).at(-1);
  scale.hidden = frame.spacing.kind === "none" || length === undefined;
  if (length === undefined || scale.hidden) return;
  bar.style.width = `${length * perMillimetre}px`;
  const words = length >= 10 ? `${length / 10} cm` : `${length} mm`;
  write(scale.lastElementChild!, frame.spacing.kind === "detector" ? language.say("measure.detector", { value: length }) : words);
}
