import type { Pane } from "./pane";

/** Plays the images of a pane one after another and from the start again; an image that is not there yet is waited for. */
export class Cine {
  private playing: Pane | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private rates = new WeakMap<object, number>();

  constructor(private readonly changed: () => void) {}

  on(pane: Pane): boolean {
    return this.playing === pane;
  }

  /** Images a second: the reader's choice, else what the images ask for, else ten. */
  rate(pane: Pane): number {
    const own = pane.frame()?.rate;
    return (pane.stack && this.rates.get(pane.stack)) ?? (own === undefined ? 10 : Math.round(own * 10) / 10);
  }

  setRate(pane: Pane, rate: number): void {
    if (pane.stack !== undefined) this.rates.set(pane.stack, rate);
    this.changed();
  }

  toggle(pane: Pane): void {
    const start = this.playing !== pane;
    this.stop();
    if (start && (pane.stack?.frames.length ?? 0) > 1) {
      this.playing = pane;
      this.tick(performance.now());
    }
    this.changed();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.playing = undefined;
  }

  private tick(due: number): void {
    const pane = this.playing;
    const count = pane?.stack?.frames.length ?? 0;
    if (pane === undefined || count < 2) return this.stop();
    const next = due + 1000 / this.rate(pane);
    const late = performance.now() > next;
    this.timer = setTimeout(
      () => {
        void pane.goTo((pane.index + 1) % count).then(() => this.playing === pane && this.tick(late ? performance.now() : next));
      },
      Math.max(next - performance.now(), 0),
    );
  }
}
