import type { Image } from "../decode/decode";
import { eightBit } from "../decode/colour";
import type { Pixels } from "../decode/native";
import type { Frame } from "../dicom/frames";
import { modalityValue, storedValue } from "../dicom/modality";
import { rangeOf, type Window } from "../dicom/window";

/** A decoded frame: the stored values as they are, and the array that is drawn, which for fractions is a scaled copy. */
export interface Drawable {
  readonly frame: Frame;
  readonly stored: Pixels;
  readonly color: boolean;
  readonly min: number;
  readonly max: number;
  readonly shown: Pixels;
  readonly shownMin: number;
  readonly shownMax: number;
  /** From a stored value to the value drawn. */
  readonly scale: number;
  readonly offset: number;
}

/** Prepares a decoded image; 32-bit and fractional values are drawn through 16 bits, which is more than a screen can tell apart. */
export function drawableOf(frame: Frame, image: Image): Drawable {
  const { pixels, color, min, max } = image;
  const same = { frame, stored: pixels, color, min, max, shown: pixels, shownMin: min, shownMax: max, scale: 1, offset: 0 };
  if (color) return { ...same, shown: eightBit(pixels, pixels instanceof Uint8Array ? 8 : frame.layout.stored) };
  if (pixels instanceof Int8Array) return { ...same, shown: Int16Array.from(pixels) };
  if (pixels instanceof Uint8Array || pixels instanceof Uint16Array || pixels instanceof Int16Array) return same;
  const scale = max > min ? 65535 / (max - min) : 1;
  const shown = Uint16Array.from(pixels as Float32Array, (value) => (value - min) * scale);
  return { ...same, shown, shownMin: 0, shownMax: 65535, scale, offset: -min * scale };
}

/** The range of drawn values that a window in modality units stands for. */
export function shownRange(drawable: Drawable, window: Window): { lower: number; upper: number } {
  const { lower, upper } = rangeOf(window);
  if (drawable.color) return { lower, upper };
  const drawn = (value: number): number => storedValue(value, drawable.frame.rescale) * drawable.scale + drawable.offset;
  const ends = [drawn(lower), drawn(upper)] as const;
  return { lower: Math.min(...ends), upper: Math.max(...ends) };
}

/** Modality values at both ends of the image. */
export function modalityRange(drawable: Drawable): { lower: number; upper: number } {
  const rescale = drawable.frame.rescale.table === undefined ? drawable.frame.rescale : { ...drawable.frame.rescale, table: undefined, slope: 1, intercept: 0 };
  const ends = [modalityValue(drawable.min, rescale), modalityValue(drawable.max, rescale)] as const;
  return { lower: Math.min(...ends), upper: Math.max(...ends) };
}

/** What stands at a pixel: the modality value, or red, green and blue. Undefined outside of the image. */
export function valueAt(drawable: Drawable, column: number, row: number): number | readonly [number, number, number] | undefined {
  const { rows, columns } = drawable.frame.layout;
  if (column < 0 || row < 0 || column >= columns || row >= rows) return undefined;
  const at = row * columns + column;
  const { stored, frame } = drawable;
  if (drawable.color) return [stored[at * 3]!, stored[at * 3 + 1]!, stored[at * 3 + 2]!];
  // A modality table has been applied when the image was decoded.
  return frame.rescale.table === undefined ? modalityValue(stored[at]!, frame.rescale) : stored[at]!;
}

const drawables = new WeakMap<object, Drawable>();

/** Remembers which drawable an image of the engine was made from, for as long as the engine keeps the image. */
export function marked<T extends object>(image: T, drawable: Drawable): T {
  drawables.set(image, drawable);
  return image;
}

export const drawableBehind = (image: object | undefined): Drawable | undefined => (image === undefined ? undefined : drawables.get(image));
