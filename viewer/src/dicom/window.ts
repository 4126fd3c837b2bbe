/** Window centre and width in modality units (PS3.3 §C.11.2.1.2). */

export interface Window {
  readonly center: number;
  readonly width: number;
}

export interface Preset {
  /** Key into the table of texts; a window that the image names itself has its own words in `label`. */
  readonly name: "default" | "soft" | "lung" | "bone" | "brain" | "liver" | "full" | "own";
  readonly label?: string;
  /** Absent for `default` and `full`, which follow the image. */
  readonly window?: Window;
}

const CT_PRESETS: readonly Preset[] = [
  { name: "default" },
  { name: "soft", window: { center: 40, width: 400 } },
  { name: "lung", window: { center: -600, width: 1500 } },
  { name: "bone", window: { center: 400, width: 1800 } },
  { name: "brain", window: { center: 40, width: 80 } },
  { name: "liver", window: { center: 60, width: 160 } },
];

export interface OwnWindow extends Window {
  readonly label: string;
}

/** What the keys 1 to 6 do: for CT the usual five, for others the full range and the further windows of the image. */
export function presetsFor(modality: string, own: readonly OwnWindow[]): readonly Preset[] {
  if (modality === "CT") return CT_PRESETS;
  const further = own.slice(1, 5).map(
    (window, index): Preset => ({
      name: "own",
      label: window.label || `${index + 2}`,
      window: { center: window.center, width: window.width },
    }),
  );
  return [{ name: "default" }, { name: "full" }, ...further];
}

/**
 * Lower and upper end of a window: the linear function of the standard, and its exact form where a width below two says
 * that the values are fractions (uptake, diffusion, dose).
 */
export function rangeOf(window: Window): { lower: number; upper: number } {
  if (window.width < 2) return { lower: window.center - window.width / 2, upper: window.center + window.width / 2 };
  const half = (window.width - 1) / 2;
  return { lower: window.center - 0.5 - half, upper: window.center - 0.5 + half };
}

/** The window that shows everything between two values. */
export function windowOf(lower: number, upper: number): Window {
  const span = upper - lower;
  if (span > 0 && span < 1) return { center: (lower + upper) / 2, width: span };
  return { center: (lower + upper + 1) / 2, width: Math.max(span + 1, 1) };
}

/**
 * A window after a drag of so many pixels: to the right wider, downwards darker. The step grows with the width so that
 * a narrow brain window and a 16-bit range are both within reach of one hand.
 */
export function dragged(window: Window, dx: number, dy: number): Window {
  const step = window.width / 300;
  const least = window.width < 2 ? window.width / 10 : 1;
  return { center: window.center + dy * step, width: Math.max(window.width + dx * step, least) };
}
