import type { Look } from "./look";
import type { Window } from "../dicom/window";
import type { Aim } from "../render/view";
import type { Tool } from "./gestures";
import type { Length } from "./lengths";

/** What is laid out on the desk, as plain values: enough to lay it out again, on this page or another. */
export interface LaidOut {
  readonly tool: Tool;
  readonly active: number;
  readonly synced: boolean;
  readonly panes: readonly LaidPane[];
  readonly lengths: readonly Omit<Length, "id">[];
}

export interface LaidPane {
  readonly study: string;
  readonly series: string;
  readonly index: number;
  readonly look: Look;
  readonly fallback: Window | undefined;
  readonly aim: Aim | undefined;
}
