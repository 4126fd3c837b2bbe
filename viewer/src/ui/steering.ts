import type { StackView } from "../render";
import { listen, type Drag } from "./gestures";
import type { Pane, Surroundings } from "./pane";
import { gripAt, imagePoint, type Grip } from "./ruler";

/** Gives the gestures on a pane their meaning. */
export function steer(pane: Pane, element: HTMLElement, view: StackView, around: Surroundings): void {
  const { lengths } = around;
  let grip: Grip | undefined;
  let carried = 0;

  const begin = (drag: Drag): void => {
    const frame = pane.drawable()?.frame;
    carried = 0;
    grip = undefined;
    if (frame === undefined || (drag.tool !== "length" && drag.tool !== around.tool())) return;
    const placement = pane.placement();
    grip = gripAt(frame, lengths, placement, drag.x, drag.y, drag.touch);
    if (grip === undefined && drag.tool === "length") grip = { length: lengths.start(frame, imagePoint(placement, drag.x, drag.y)), end: "to" };
  };

  const move = (drag: Drag): void => {
    if (grip !== undefined) return lengths.move(grip.length, grip.end, imagePoint(pane.placement(), drag.x, drag.y));
    if (drag.tool === "window") return pane.dragWindow(drag.dx, drag.dy);
    if (drag.tool === "pan") return view.panBy(drag.dx, drag.dy);
    if (drag.tool === "zoom") return view.zoomBy(Math.exp(-drag.dy / 150), [drag.startX, drag.startY]);
    if (drag.tool === "scroll") scroll(drag);
  };

  /** The whole stack lies within the height of the pane, but one image is never less than four pixels. */
  const scroll = (drag: Drag): void => {
    const count = pane.stack?.frames.length ?? 1;
    carried += drag.dy / Math.max(element.clientHeight / count, 4);
    const steps = Math.trunc(carried);
    carried -= steps;
    if (steps !== 0) pane.step(steps);
  };

  /** A click without a way leaves no measurement. */
  const end = (drag: Drag): void => {
    const still = Math.hypot(drag.x - drag.startX, drag.y - drag.startY) < 3;
    if (grip !== undefined && still && tiny(grip)) lengths.remove(grip.length);
    grip = undefined;
  };

  listen(element, {
    tool: around.tool,
    begin,
    move,
    end,
    hover: (at) => pane.point(at),
    fit: () => pane.fit(),
    wheel: (steps, zoom, x, y) => {
      around.activated(pane);
      if (zoom) view.zoomBy(Math.exp(-steps / 8), [x, y]);
      else pane.step(steps);
    },
    pinch: (factor, x, y, dx, dy) => {
      view.zoomBy(factor, [x, y]);
      view.panBy(dx, dy);
    },
  });
}

const tiny = ({ length }: Grip): boolean => Math.hypot(length.to[0] - length.from[0], length.to[1] - length.from[1]) < 1;
