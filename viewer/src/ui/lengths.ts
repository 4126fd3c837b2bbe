import type { Frame } from "../dicom/frames";
import { lengthOf, type Point, type Spacing } from "../dicom/spacing";
import type { Language } from "../text/text";

/** A measured line on one frame; its ends are counted in pixels from the corner of the first one. */
export interface Length {
  readonly id: number;
  readonly key: string;
  readonly spacing: Spacing;
  from: Point;
  to: Point;
}

/** All measurements of this visit; they live as long as the page. */
export class Lengths {
  private readonly list: Length[] = [];
  private count = 0;

  constructor(private readonly changed: () => void) {}

  all(): readonly Length[] {
    return this.list;
  }

  on(frame: Frame): readonly Length[] {
    return this.list.filter((length) => length.key === frame.key);
  }

  start(frame: Frame, at: Point): Length {
    const length: Length = { id: (this.count += 1), key: frame.key, spacing: frame.spacing, from: at, to: at };
    this.list.push(length);
    this.changed();
    return length;
  }

  move(length: Length, end: "from" | "to", at: Point): void {
    length[end] = at;
    this.changed();
  }

  /** All lines as plain values. */
  laidOut(): Omit<Length, "id">[] {
    return this.list.map(({ key, spacing, from, to }) => ({ key, spacing, from, to }));
  }

  /** Forgets all lines, or takes others in their place. */
  replace(lengths: readonly Omit<Length, "id">[]): void {
    this.list.splice(0, this.list.length, ...lengths.map((length) => ({ ...length, id: (this.count += 1) })));
    this.changed();
  }

  removeLast(frame: Frame | undefined): void {
    const last = frame && this.on(frame).at(-1);
    if (last !== undefined) this.remove(last);
  }

  remove(length: Length): void {
    const index = this.list.indexOf(length);
    if (index >= 0) this.list.splice(index, 1);
    this.changed();
  }
}

/** The measured value in words: millimetres, millimetres at the detector, or pixels. */
export function lengthText(length: Length, language: Language): string {
  const measured = lengthOf(length.from, length.to, length.spacing);
  // Short lines get a second decimal, so that rounding stays far below half a percent.
  const value = language.number(measured, measured < 30 ? 2 : 1, true);
  if (length.spacing.kind === "none") return `${value} px`;
  return length.spacing.kind === "detector" ? language.say("measure.detector", { value }) : `${value} mm`;
}
