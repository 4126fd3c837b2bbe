import type { Frame } from "../dicom/frames";
import { text } from "../dicom/json";
import { kindOf } from "../dicom/words";
import { RequestError } from "../net/client";
import type { Drawable } from "../render/drawable";
import type { MakeView, StackView } from "../render";
import type { FrameStore } from "../render/store";
import type { Placement } from "../render/view";
import { lengthOf, type Stack, type Study } from "../study";
import type { Key, Language } from "../text/text";
import { Ahead } from "./ahead";
import { el, svg } from "./dom";
import type { Tool } from "./gestures";
import type { LaidPane } from "./laid";
import type { Lengths } from "./lengths";
import { Looking } from "./looking";
import { makeOverlay, type Overlay } from "./overlay";
import { probe } from "./probe";
import { drawLengths } from "./ruler";
import { steer } from "./steering";
import { type Elsewhere, Tile } from "./tile";

/** What a pane needs from the viewer around it. */
export interface Surroundings {
  readonly language: Language;
  readonly store: FrameStore;
  readonly lengths: Lengths;
  readonly makeView: MakeView;
  /** Where panes stand. */
  readonly host: HTMLElement;
  tool(): Tool;
  /** Something about the pane has changed that others show as well. */
  changed(pane: Pane): void;
  /** The reader has moved to another image of this pane. */
  scrolled(pane: Pane): void;
  activated(pane: Pane): void;
  closed(pane: Pane): void;
}

/** One stack on the screen: which image, how it is looked at, and what is written over it. */
export class Pane {
  readonly element: HTMLElement;
  readonly canvas = el("div", { class: "canvas" });
  private readonly layer = svg("svg", { class: "lengths", "aria-hidden": "true" });
  private readonly overlay: Overlay;
  private readonly tile: Tile;
  private readonly view: StackView;
  private readonly ahead: Ahead;
  private pointer: readonly [number, number] | undefined;
  private turn = 0;
  /** Steps that the reader took while only one image was known, to be gone when the others are. */
  private owed = 0;
  readonly looking = new Looking(() => this.redraw());
  study: Study | undefined;
  stack: Stack | undefined;
  index = 0;

  constructor(
    readonly number: number,
    private readonly around: Surroundings,
  ) {
    const { language } = around;
    this.overlay = makeOverlay(language);
    this.tile = new Tile(language);
    this.ahead = new Ahead(around.store, () => around.changed(this));
    const close = el("button", {
      class: "close",
      type: "button",
      "aria-label": language.say("pane.close"),
      hidden: number === 0,
      text: "×",
      on: { click: () => around.closed(this) },
    });
    this.element = el(
      "section",
      { class: "pane", "data-pane": number, tabindex: 0, "aria-label": language.say("pane.label", { number: number + 1 }) },
      this.canvas,
      this.overlay.element,
      this.tile.element,
      close,
    );
    this.canvas.after(this.layer);
    this.overlay.update(undefined);
    this.element.addEventListener("pointerdown", () => around.activated(this), true);
    this.element.addEventListener("focus", () => around.activated(this));
    around.host.append(this.element);
    this.view = around.makeView(`pane-${number}`, this.canvas, () => this.rendered());
    steer(this, this.canvas, this.view, around);
  }

  /** Shows a series from one of its images on. */
  async open(study: Study, stack: Stack, index = 0): Promise<void> {
    Object.assign(this, { study, stack, owed: 0 });
    this.looking.forget();
    this.element.dataset.series = stack.series.uid;
    this.element.dataset.study = study.uid;
    this.element.dataset.count = String(lengthOf(stack));
    if (stack.frames.length > 0) return this.goTo(index);
    this.turn += 1;
    for (const name of ["sop", "frame", "index", "rendered"]) delete this.element.dataset[name];
    const type = kindOf(stack.instance);
    const modality = text(stack.instance, "00080060") || stack.series.modality;
    this.tile.notImage(modality, type);
    this.overlay.update(undefined);
    this.around.changed(this);
  }

  /** Takes the whole of the stack that it shows one image of; the image stays, and so does how it is looked at. */
  async complete(begun: Stack, whole: Stack): Promise<void> {
    if (this.stack !== begun) return;
    const shown = this.frame();
    const aim = this.settled() ? this.view.aim() : undefined;
    this.stack = whole;
    this.element.dataset.count = String(lengthOf(whole));
    const place = shown === undefined ? -1 : whole.frames.indexOf(shown);
    await this.goTo(Math.max(place, 0));
    if (aim !== undefined && this.stack === whole && place >= 0) this.view.aimAt(aim);
    if (this.owed !== 0) this.step(this.owed);
  }

  frame(): Frame | undefined {
    return this.stack?.frames[this.index];
  }

  /** The image that is seen now, which may still be the one before the one that was asked for. */
  drawable(): Drawable | undefined {
    return this.tile.speaks() ? undefined : this.view.drawable();
  }

  step(by: number): void {
    if (this.stack?.rest === undefined) return void this.goTo(this.index + by, true);
    this.owed = Number.isFinite(by) && Number.isFinite(this.owed) ? this.owed + by : by;
  }

  /** Goes to an image, as far as there is one; an image that is not there yet is waited for, the next wish overrules. */
  async goTo(wanted: number, byReader = false): Promise<void> {
    const frames = this.stack?.frames ?? [];
    const index = Math.min(Math.max(wanted, 0), frames.length - 1);
    const frame = frames[index];
    if (frame === undefined || (byReader && index === this.index)) return;
    const passed = this.frame();
    if (passed !== undefined && passed !== frame) this.around.store.passBy(passed);
    this.index = index;
    this.announceTarget(frame);
    const turn = (this.turn += 1);
    if (byReader) this.around.scrolled(this);
    this.tile.wait();
    try {
      await this.around.store.display(frame);
      if (turn !== this.turn) return;
      await this.view.show(frames, index, (drawable) => this.looking.drawnWith(drawable));
      if (turn === this.turn) this.tile.clear();
    } catch (error) {
      if (turn === this.turn) this.failed(error);
    }
    if (turn === this.turn) this.ahead.from(frames, () => this.index);
  }

  /** Whether a frame belongs to what this pane shows. */
  wants(key: string): boolean {
    return this.stack?.frames.some((frame) => frame.key === key) ?? false;
  }

  dragWindow(dx: number, dy: number): void {
    const drawable = this.drawable();
    if (drawable !== undefined) this.looking.drag(drawable, dx, dy);
  }

  reset(): void {
    this.looking.reset();
    this.view.fit();
  }

  fit(): void {
    this.view.fit();
  }

  zoom(factor: number): void {
    this.view.zoomBy(factor, [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2]);
  }

  resize(): void {
    this.view.resize();
  }

  placement(): Placement {
    return this.view.placement();
  }

  /** Writes the value under the pointer, or keeps quiet when it has left. */
  point(at: readonly [number, number] | undefined): void {
    this.pointer = at;
    probe(this.overlay.probe, this.drawable(), this.placement(), at, this.around.language);
  }

  /** Draws what lies over the image anew. */
  refresh(): void {
    const drawable = this.drawable();
    const placement = this.placement();
    drawLengths(this.layer, drawable?.frame, this.around.lengths, placement, this.around.language);
    if (drawable === undefined || this.stack === undefined) return;
    const index = this.stack.frames.indexOf(drawable.frame);
    // While another stack is on its way, the words stay those of the picture that is still there.
    if (index < 0) return;
    this.overlay.update({ stack: this.stack, frame: drawable.frame, index, window: this.looking.spoken(drawable), placement });
    this.element.dataset.placement = [placement.left, placement.top, placement.across, placement.down].map((part) => part.toFixed(4)).join(" ");
    this.point(this.pointer);
  }

  /** What is shown here, as plain values; undefined while nothing is. */
  laidOut(): LaidPane | undefined {
    const { study, stack, index } = this;
    if (study === undefined || stack === undefined) return undefined;
    return { study: study.uid, series: stack.series.uid, index, ...this.looking.laidOut(), aim: this.view.aim() };
  }

  /** Shows a stack as it was laid out. */
  async takeOut(study: Study, stack: Stack, laid: LaidPane): Promise<void> {
    await this.open(study, stack, laid.index);
    this.looking.takeOut(laid.look, laid.fallback);
    if (laid.aim !== undefined && this.drawable() !== undefined) this.view.aimAt(laid.aim);
  }

  destroy(): void {
    this.turn += 1;
    this.stack = undefined;
    this.ahead.stop();
    this.view.destroy();
    this.element.remove();
  }

  /** The study of this pane in a line. */
  heading(): string {
    const instance = this.stack?.instance ?? {};
    return [this.around.language.date(text(instance, "00080020")), text(instance, "00081030")].filter(Boolean).join(" · ");
  }

  /** Whether the pane shows what was asked for: the image, or words in its place. */
  settled(): boolean {
    return this.element.dataset.rendered === this.frame()?.key || this.tile.speaks();
  }

  /** How many images of the stack need not be waited for any more. */
  loaded(): number {
    return this.stack?.frames.filter((frame) => this.around.store.settled(frame)).length ?? 0;
  }

  private redraw(): void {
    const drawable = this.drawable();
    if (drawable !== undefined) this.view.setLook(drawable, this.looking.drawnWith(drawable));
    this.around.changed(this);
  }

  private announceTarget(frame: Frame): void {
    const { dataset } = this.element;
    Object.assign(dataset, { sop: frame.sop, frame: String(frame.frame), index: String(this.index) });
    // The place of the one image that is known is not known before the others are.
    if (this.stack?.rest !== undefined) delete dataset.index;
    if (dataset.rendered !== frame.key) delete dataset.rendered;
  }

  private rendered(): void {
    const frame = this.view.drawable()?.frame;
    if (frame === undefined) return;
    if (this.element.dataset.rendered !== frame.key) {
      this.element.dataset.rendered = frame.key;
      this.around.store.seen(frame);
      this.around.changed(this);
    }
    this.refresh();
  }

  private failed(error: unknown): void {
    if (error instanceof DOMException && error.name === "AbortError") return;
    const trouble = error instanceof RequestError ? error.trouble : "failed";
    const known = trouble === "damaged" || trouble === "missing" || trouble === "unsupported" ? trouble : "failed";
    this.overlay.update(undefined);
    this.layer.replaceChildren();
    const position = this.around.language.say("pane.position", { index: this.index + 1, count: lengthOf(this.stack) });
    const again = known === "failed" ? () => void this.goTo(this.index) : undefined;
    this.tile.trouble(`trouble.image.${known}` as Key, position, again, known === "damaged" ? historyOf(this.frame()) : undefined);
    this.around.changed(this);
  }
}

/** The page with digest and history of the image that a frame belongs to. */
function historyOf(frame: Frame | undefined): Elsewhere | undefined {
  return frame && { href: `/studies/${frame.study}/fixity/?image=${frame.sop}`, words: "trouble.image.history" };
}
