import type { Language } from "../text/text";
import { el, write } from "./dom";

export interface Layout {
  readonly panes: HTMLElement;
  /** Says something to readers of the screen, once the hand has come to rest. */
  announce(words: string): void;
  /** How much of the active stack is in memory. */
  progress(loaded: number, count: number): void;
}

interface Parts {
  readonly toolbar: HTMLElement;
  readonly banner: HTMLElement;
  readonly strip: HTMLElement;
  readonly measurements: HTMLElement;
  readonly dialogs: readonly HTMLElement[];
}

/** Puts the parts of the viewer into their places and fills the rest of the window's height. */
export function layOut(root: HTMLElement, parts: Parts, language: Language): Layout {
  const bar = el("div", { class: "fill" });
  const track = el("div", { class: "progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, hidden: true }, bar);
  const panes = el("div", { class: "panes", "data-panes": 0 });
  const live = el("p", { class: "live", role: "status", "aria-live": "polite" });
  root.classList.add("viewer");
  root.replaceChildren(
    parts.toolbar,
    parts.banner,
    el("div", { class: "side" }, parts.strip, parts.measurements),
    el("div", { class: "stage" }, track, panes),
    live,
    ...parts.dialogs,
  );
  const measure = (): void => root.style.setProperty("--viewer-top", `${Math.round(root.getBoundingClientRect().top + window.scrollY)}px`);
  measure();
  window.addEventListener("resize", measure);
  let pending: ReturnType<typeof setTimeout> | undefined;
  return {
    panes,
    announce: (words) => {
      clearTimeout(pending);
      pending = setTimeout(() => write(live, words), 700);
    },
    progress: (loaded, count) => {
      track.hidden = count === 0 || loaded >= count;
      bar.style.transform = `scaleX(${count === 0 ? 0 : loaded / count})`;
      track.setAttribute("aria-valuenow", String(count === 0 ? 100 : Math.round((100 * loaded) / count)));
      track.setAttribute("aria-label", language.say("state.images", { loaded, count }));
    },
  };
}
