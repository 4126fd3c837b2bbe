import type { Key, Language } from "../text/text";
import { el } from "./dom";

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

  /** Words on red ground instead of an image, and a button where asking again may help. */
  trouble(key: Key, position: string, again: (() => void) | undefined): void {
    const button = again && el("button", { type: "button", text: this.language.say("trouble.again"), on: { click: again } });
    this.put("bad", el("p", { text: position }), el("p", { role: "alert", text: this.language.say(key) }), ...(button ? [button] : []));
  }

  private put(kind: "busy" | "plain" | "bad", ...children: HTMLElement[]): void {
    clearTimeout(this.waiting);
    this.element.dataset.tile = kind;
    this.element.replaceChildren(...children);
    this.element.hidden = false;
  }
}
