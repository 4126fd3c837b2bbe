import type { Key, Language } from "../text/text";
import { el } from "./dom";

/** A page that says more. */
export interface Elsewhere {
  readonly href: string;
  readonly words: Key;
}

/** What lies over a pane when there is no image to see: a word that it is coming, that it is none, or what is wrong with it. */
export class Tile {
  readonly element = el("div", { class: "tile", hidden: true });
  private waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly language: Language) {}

  /** Says "loading" when an image is not there within a moment; the picture before it stays in sight but under a veil. */
  wait(): void {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.put("busy", el("p", { text: this.language.say("pane.loading") })), 150);
  }

  clear(): void {
    clearTimeout(this.waiting);
    this.element.hidden = true;
  }

  /** Whether it stands in the place of an image, for good or until it is asked for again. */
  speaks(): boolean {
    return !this.element.hidden && this.element.dataset.tile !== "busy";
  }

  notImage(modality: string, type: string): void {
    this.put(
      "plain",
      el("h3", { text: this.language.say("series.notImage") }),
      el("p", { text: this.language.say("series.notImage.text", { modality, type }) }),
    );
  }

  /** Words on red ground instead of an image, a button where asking again may help, a link where a page says more. */
  trouble(key: Key, position: string, again: (() => void) | undefined, more?: Elsewhere): void {
    const button = again && el("button", { type: "button", text: this.language.say("trouble.again"), on: { click: again } });
    const link = more && el("a", { class: "button quiet", href: more.href, text: this.language.say(more.words) });
    const ways = [button, link].filter((way) => way !== undefined);
    this.put("bad", el("p", { text: position }), el("p", { role: "alert", text: this.language.say(key) }), ...ways);
  }

  private put(kind: "busy" | "plain" | "bad", ...children: HTMLElement[]): void {
    clearTimeout(this.waiting);
    this.element.dataset.tile = kind;
    this.element.replaceChildren(...children);
    this.element.hidden = false;
  }
}
