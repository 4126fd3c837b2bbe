import { valueText } from "../dicom/modality";
import { valueAt, type Drawable } from "../render/drawable";
import type { Placement } from "../render/view";
import type { Language } from "../text/text";
import { write } from "./dom";

/**
 * Writes the value under a point of the pane, counted in CSS pixels. `data-x`, `data-y` and `data-value` carry the same
 * without rounding, so that it can be compared with what another program computes.
 */
export function probe(target: HTMLElement, drawable: Drawable | undefined, placement: Placement, at: readonly [number, number] | undefined, language: Language): void {
  const x = at === undefined ? -1 : Math.floor((at[0] - placement.left) / placement.across);
  const y = at === undefined ? -1 : Math.floor((at[1] - placement.top) / placement.down);
  const value = drawable === undefined ? undefined : valueAt(drawable, x, y);
  if (drawable === undefined || value === undefined) {
    write(target, "");
    for (const name of ["x", "y", "value"]) delete target.dataset[name];
    return;
  }
  const { unit } = drawable.frame.rescale;
  const words = typeof value === "number" ? `${valueText(value, language.code)}${unit === "" ? "" : ` ${unit}`}` : value.join(", ");
  Object.assign(target.dataset, { x: String(x), y: String(y), value: String(value) });
  write(target, language.say("pane.probe", { x, y, value: words }));
}
