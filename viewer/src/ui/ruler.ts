import type { Frame } from "../dicom/frames";
import type { Point } from "../dicom/spacing";
import type { Placement } from "../render/view";
import type { Language } from "../text/text";
import { svg } from "./dom";
import { lengthText, type Length, type Lengths } from "./lengths";

export interface Grip {
  readonly length: Length;
  readonly end: "from" | "to";
}

/** How near, in CSS pixels, a pointer has to come to an end of a line to take hold of it; fingers are broader. */
const REACH = { mouse: 8, touch: 20 };

/** The point of the element for a point of the image. */
const placed = (placement: Placement, [column, row]: Point): readonly [number, number] => [
  placement.left + column * placement.across,
  placement.top + row * placement.down,
];

/** The point of the image under a point of the element. */
export const imagePoint = (placement: Placement, x: number, y: number): Point => [
  (x - placement.left) / placement.across,
  (y - placement.top) / placement.down,
];

/** Draws the measured lines of a frame. */
export function drawLengths(layer: SVGSVGElement, frame: Frame | undefined, lengths: Lengths, placement: Placement, language: Language): void {
  layer.replaceChildren(...(frame === undefined ? [] : lengths.on(frame).map((length) => drawn(length, placement, language))));
}

function drawn(length: Length, placement: Placement, language: Language): SVGGElement {
  const [x1, y1] = placed(placement, length.from);
  const [x2, y2] = placed(placement, length.to);
  const group = svg("g", { class: "length" });
  const ends = { x1, y1, x2, y2 };
  const label = svg("text", { x: x2 + 10, y: y2 - 8 });
  label.textContent = lengthText(length, language);
  group.append(
    svg("line", { ...ends, class: "shade" }),
    svg("line", ends),
    svg("circle", { cx: x1, cy: y1, r: 4 }),
    svg("circle", { cx: x2, cy: y2, r: 4 }),
    label,
  );
  return group;
}

/** The end of a line under the pointer, if there is one. */
export function gripAt(frame: Frame, lengths: Lengths, placement: Placement, x: number, y: number, touch: boolean): Grip | undefined {
  const reach = touch ? REACH.touch : REACH.mouse;
  for (const length of [...lengths.on(frame)].reverse()) {
    for (const end of ["to", "from"] as const) {
      const [px, py] = placed(placement, length[end]);
      if (Math.hypot(px - x, py - y) <= reach) return { length, end };
    }
  }
  return undefined;
}
