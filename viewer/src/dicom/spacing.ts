import { item, numbers, type DataSet } from "./json";

/** Distance of pixel centres in millimetres and what it refers to: the patient, the detector's surface, or nothing known. */
export interface Spacing {
  /** Distance between rows, the first value of PixelSpacing. */
  readonly row: number;
  /** Distance between columns, the second value. */
  readonly column: number;
  readonly kind: "patient" | "detector" | "none";
}

export const NO_SPACING: Spacing = { row: 1, column: 1, kind: "none" };

/**
 * The spacing to measure with (PS3.3 §10.7.1.3): PixelSpacing of the frame, else an ultrasound region in centimetres,
 * else ImagerPixelSpacing, which holds at the detector only.
 */
export function spacingOf(measures: DataSet | undefined, instance: DataSet): Spacing {
  return (
    pair(numbers(measures ?? {}, "00280030"), "patient") ??
    pair(numbers(instance, "00280030"), "patient") ??
    ultrasound(instance) ??
    pair(numbers(instance, "00181164"), "detector") ??
    aspectOnly(instance)
  );
}

/** Length of a line between two points in pixels (column, row); millimetres, or pixels when there is no spacing. */
export function lengthOf(from: Point, to: Point, spacing: Spacing): number {
  const known = spacing.kind !== "none";
  return Math.hypot((to[0] - from[0]) * (known ? spacing.column : 1), (to[1] - from[1]) * (known ? spacing.row : 1));
}

export type Point = readonly [column: number, row: number];

function pair(values: readonly number[], kind: Spacing["kind"]): Spacing | undefined {
  const [row, column] = values;
  return row !== undefined && column !== undefined && row > 0 && column > 0 ? { row, column, kind } : undefined;
}

/** One calibrated region measured in centimetres on both axes speaks for the image; several different ones for none (PS3.3 §C.8.5.5). */
function ultrasound(instance: DataSet): Spacing | undefined {
  const regions = (instance["00186011"]?.Value ?? []) as DataSet[];
  const region = item(instance, "00186011");
  if (region === undefined || regions.length !== 1) return undefined;
  const unit = (tag: string): number | undefined => numbers(region, tag)[0];
  if (unit("00186024") !== 3 || unit("00186026") !== 3) return undefined;
  return pair([Math.abs(unit("0018602E") ?? 0) * 10, Math.abs(unit("0018602C") ?? 0) * 10], "patient");
}

/** PixelAspectRatio (vertical, horizontal) shapes the picture but measures nothing. */
function aspectOnly(instance: DataSet): Spacing {
  const [vertical, horizontal] = numbers(instance, "00280034");
  return vertical && horizontal ? { row: vertical / horizontal, column: 1, kind: "none" } : NO_SPACING;
}
