import { depthOf, dot, type Plane } from "./geometry";

export interface Sortable {
  readonly plane: Plane | undefined;
  readonly instanceNumber: number;
  /** Number of the frame inside its instance, from 1. */
  readonly frame: number;
  readonly sop: string;
}

/**
 * The order in which slices are scrolled. With geometry: by position along the normal, stacks of another direction after
 * one another, and a position that comes again (a later phase, another echo) in a round of its own. Without: by
 * InstanceNumber and frame. Axial stacks run from head to feet.
 */
export function ordered<T extends Sortable>(slices: readonly T[]): T[] {
  const numbered = [...slices].sort(byNumber);
  if (numbered.some((slice) => slice.plane === undefined)) return numbered;
  const directions: Plane[] = [];
  const rounds = new Map<string, number>();
  const placed = numbered.map((slice) => {
    const plane = slice.plane!;
    const direction = directionIndex(directions, plane);
    const depth = depthOf(plane) * sense(directions[direction]!);
    const place = `${direction}/${depth.toFixed(2)}`;
    const round = rounds.get(place) ?? 0;
    rounds.set(place, round + 1);
    return { slice, direction, round, depth };
  });
  const flat = placed.every((entry) => Math.abs(entry.depth - placed[0]!.depth) < 0.01);
  if (flat) return numbered;
  placed.sort((a, b) => a.direction - b.direction || a.round - b.round || a.depth - b.depth);
  return placed.map((entry) => entry.slice);
}

function byNumber(a: Sortable, b: Sortable): number {
  return a.instanceNumber - b.instanceNumber || (a.sop < b.sop ? -1 : a.sop > b.sop ? 1 : a.frame - b.frame);
}

function directionIndex(directions: Plane[], plane: Plane): number {
  const known = directions.findIndex((other) => dot(other.normal, plane.normal) > 0.999);
  return known >= 0 ? known : directions.push(plane) - 1;
}

/** Minus one where the normal points mostly to the head, so that the head comes first. */
function sense(plane: Plane): number {
  return plane.normal[2] > 0.5 ? -1 : 1;
}

/** Indices around `center` from near to far, the way a reader will want them; `center` itself comes first. */
export function outward(center: number, count: number): number[] {
  const order: number[] = [];
  for (let step = 0; order.length < count; step += 1) {
    if (center + step < count) order.push(center + step);
    if (step > 0 && center - step >= 0) order.push(center - step);
  }
  return order;
}
