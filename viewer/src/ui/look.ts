import { presetsFor, windowOf, type Preset, type Window } from "../dicom/window";
import { modalityRange, type Drawable } from "../render/drawable";

/** How a stack is looked at: one of the presets or a window of the reader's own, and whether black and white change places. */
export interface Look {
  readonly preset: Preset;
  readonly window: Window | undefined;
  readonly inverted: boolean;
}

export const DEFAULT_LOOK: Look = { preset: { name: "default" }, window: undefined, inverted: false };

const COLOUR: Window = { center: 128, width: 256 };

/**
 * The window to draw an image with. "Default" is the image's own first window; an image without one takes `fallback`, the
 * range of the first image of its stack, so that the brightness does not jump from slice to slice.
 */
export function windowFor(look: Look, drawable: Drawable, fallback: Window | undefined): Window {
  if (look.window !== undefined) return look.window;
  if (drawable.color) return COLOUR;
  if (look.preset.window !== undefined) return look.preset.window;
  const own = drawable.frame.windows[0];
  if (look.preset.name === "default" && own !== undefined) return { center: own.center, width: own.width };
  if (look.preset.name === "default" && fallback !== undefined) return fallback;
  return fullWindow(drawable);
}

/** The window that shows every value of the image. */
export function fullWindow(drawable: Drawable): Window {
  const { lower, upper } = modalityRange(drawable);
  return windowOf(lower, upper);
}

/** MONOCHROME1 means that low values are bright. */
export const invertFor = (look: Look, drawable: Drawable): boolean =>
  look.inverted !== (drawable.frame.layout.photometric === "MONOCHROME1" && !drawable.color);

/** The presets that fit an image; colour has none. */
export const presetsOf = (drawable: Drawable | undefined): readonly Preset[] =>
  drawable === undefined || drawable.color ? [] : presetsFor(drawable.frame.modality, drawable.frame.windows);
