/** What pointers and the wheel do on a pane, free of what it means. */

export type Tool = "window" | "zoom" | "pan" | "scroll" | "length";

export interface Drag {
  readonly tool: Tool;
  /** Where the drag is now, in CSS pixels of the pane, and how far it came since the last move. */
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly startX: number;
  readonly startY: number;
  readonly touch: boolean;
}

export interface Gestures {
  tool(): Tool;
  begin(drag: Drag): void;
  move(drag: Drag): void;
  end(drag: Drag): void;
  /** Two fingers: the factor of their distance and the way of their middle. */
  pinch(factor: number, x: number, y: number, dx: number, dy: number): void;
  wheel(steps: number, zoom: boolean, x: number, y: number): void;
  hover(at: readonly [number, number] | undefined): void;
  fit(): void;
}

interface Finger {
  x: number;
  y: number;
}

/** Left drags with the chosen tool, right with the window, middle or Shift moves the image; two fingers zoom and move. */
export function listen(element: HTMLElement, gestures: Gestures): void {
  const fingers = new Map<number, Finger>();
  let drag: Drag | undefined;
  let rest = 0;
  const local = (event: MouseEvent): Finger => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  element.addEventListener("pointerdown", (event) => {
    const at = local(event);
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at);
    if (fingers.size === 2 && drag !== undefined) {
      gestures.end(drag);
      drag = undefined;
    }
    if (fingers.size > 1) return;
    drag = { ...at, tool: toolFor(event, gestures.tool()), dx: 0, dy: 0, startX: at.x, startY: at.y, touch: event.pointerType === "touch" };
    gestures.begin(drag);
  });

  element.addEventListener("pointermove", (event) => {
    const at = local(event);
    if (event.pointerType === "mouse") gestures.hover([at.x, at.y]);
    const finger = fingers.get(event.pointerId);
    if (finger === undefined) return;
    const [dx, dy] = [at.x - finger.x, at.y - finger.y];
    if (fingers.size === 2) pinched(fingers, event.pointerId, at, gestures);
    Object.assign(finger, at);
    if (drag === undefined || fingers.size > 1) return;
    drag = { ...drag, ...at, dx, dy };
    gestures.move(drag);
    if (drag.touch) gestures.hover([at.x, at.y]);
  });

  const lift = (event: PointerEvent): void => {
    fingers.delete(event.pointerId);
    if (drag !== undefined && fingers.size === 0) gestures.end(drag);
    if (fingers.size === 0) drag = undefined;
  };
  element.addEventListener("pointerup", lift);
  element.addEventListener("pointercancel", lift);
  element.addEventListener("pointerleave", () => gestures.hover(undefined));
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("dblclick", () => {
    if (gestures.tool() !== "length") gestures.fit();
  });
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      // A notch of a wheel is about 100; touch pads send many small steps, which are added up.
      rest += event.deltaMode === 1 ? event.deltaY * 33 : event.deltaY;
      const steps = Math.abs(event.deltaY) >= 50 || event.deltaMode === 1 ? Math.sign(rest) : Math.trunc(rest / 30);
      if (steps === 0) return;
      rest = 0;
      const at = local(event);
      gestures.wheel(steps, event.ctrlKey, at.x, at.y);
    },
    { passive: false },
  );
}

function toolFor(event: PointerEvent, chosen: Tool): Tool {
  if (event.button === 2) return "window";
  if (event.button === 1 || event.shiftKey) return "pan";
  return event.ctrlKey ? "zoom" : chosen;
}

function pinched(fingers: Map<number, Finger>, moving: number, at: Finger, gestures: Gestures): void {
  const still = [...fingers].find(([id]) => id !== moving)?.[1];
  const before = fingers.get(moving);
  if (still === undefined || before === undefined) return;
  const wide = (finger: Finger): number => Math.max(Math.hypot(finger.x - still.x, finger.y - still.y), 1);
  gestures.pinch(wide(at) / wide(before), (at.x + still.x) / 2, (at.y + still.y) / 2, (at.x - before.x) / 2, (at.y - before.y) / 2);
}
