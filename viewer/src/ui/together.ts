import { depthOf, dot, sameOrientation } from "../dicom/geometry";
import type { Frame } from "../dicom/frames";
import type { Pane } from "./pane";

/** Whether two panes can be scrolled together: both are placed in a patient and look the same way. */
export function match(a: Pane, b: Pane): boolean {
  const [one, other] = [a.frame()?.plane, b.frame()?.plane];
  return one !== undefined && other !== undefined && sameOrientation(one, other);
}

/**
 * Scrolls a second pane along with the first. Two examinations do not share their origin, so what counts is the way from
 * the pair of images that stood side by side when the reader joined them.
 */
export class Together {
  private from: { lead: number; follow: number; sign: number } | undefined;

  join(lead: Pane, follow: Pane): boolean {
    const [one, other] = [lead.frame(), follow.frame()];
    if (one?.plane === undefined || other?.plane === undefined || !match(lead, follow)) return false;
    this.from = { lead: depthOf(one.plane), follow: depthOf(other.plane), sign: Math.sign(dot(one.plane.normal, other.plane.normal)) };
    return true;
  }

  part(): void {
    this.from = undefined;
  }

  joined(): boolean {
    return this.from !== undefined;
  }

  /** Moves `follow` to the image nearest to where `lead` has gone; `first` says which of them was the lead when they were joined. */
  carry(lead: Pane, follow: Pane, first: boolean): void {
    const plane = lead.frame()?.plane;
    if (this.from === undefined || plane === undefined || !match(lead, follow)) return;
    const { sign } = this.from;
    const [own, other] = first ? [this.from.lead, this.from.follow] : [this.from.follow, this.from.lead];
    const wanted = other + sign * (depthOf(plane) - own);
    const nearest = nearestTo(follow.stack?.frames ?? [], wanted);
    if (nearest !== follow.index) void follow.goTo(nearest);
  }
}

function nearestTo(frames: readonly Frame[], depth: number): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  frames.forEach((frame, index) => {
    const distance = frame.plane === undefined ? Number.POSITIVE_INFINITY : Math.abs(depthOf(frame.plane) - depth);
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}
