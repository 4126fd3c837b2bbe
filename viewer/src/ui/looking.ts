import { dragged, type Preset, type Window } from "../dicom/window";
import type { Drawable } from "../render/drawable";
import { DEFAULT_LOOK, fullWindow, invertFor, windowFor, type Look } from "./look";

/** How the stack of one pane is looked at; tells the pane when that has changed. */
export class Looking {
  private look: Look = DEFAULT_LOOK;
  private fallback: Window | undefined;

  constructor(private readonly changed: () => void) {}

  /** Another stack has come: nothing of the former look holds for it. */
  forget(): void {
    this.look = DEFAULT_LOOK;
    this.fallback = undefined;
  }

  /** The look as plain values, and the window that images without one of their own are shown with. */
  laidOut(): { look: Look; fallback: Window | undefined } {
    return { look: this.look, fallback: this.fallback };
  }

  takeOut(look: Look, fallback: Window | undefined): void {
    this.fallback = fallback;
    this.set(look);
  }

  use(preset: Preset): void {
    this.set({ ...this.look, preset, window: undefined });
  }

  drag(drawable: Drawable, dx: number, dy: number): void {
    this.set({ ...this.look, window: dragged(windowFor(this.look, drawable, this.fallback), dx, dy) });
  }

  invert(): void {
    this.set({ ...this.look, inverted: !this.look.inverted });
  }

  reset(): void {
    this.set(DEFAULT_LOOK);
  }

  /** The preset in use; none while the window is the reader's own. */
  preset(): Preset | undefined {
    return this.look.window === undefined ? this.look.preset : undefined;
  }

  inverted(): boolean {
    return this.look.inverted;
  }

  /** What to draw an image with. */
  drawnWith(drawable: Drawable): { window: Window; invert: boolean } {
    if (drawable.frame.windows.length === 0) this.fallback ??= fullWindow(drawable);
    return { window: windowFor(this.look, drawable, this.fallback), invert: invertFor(this.look, drawable) };
  }

  /** The window to write on the image; colours as they are have none. */
  spoken(drawable: Drawable): Window | undefined {
    return drawable.color && this.look.window === undefined ? undefined : this.drawnWith(drawable).window;
  }

  private set(look: Look): void {
    this.look = look;
    this.changed();
  }
}
