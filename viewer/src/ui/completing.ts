import type { Stack } from "../study";
import type { Banner } from "./banner";
import type { Pane } from "./pane";

/** Gives a pane the rest of a stack that it shows one image of, once it comes; says so where it does not. */
export async function complete(pane: Pane, begun: Stack, banner: Banner): Promise<void> {
  if (begun.rest === undefined) return banner.whole();
  try {
    await pane.complete(begun, await begun.rest);
    banner.whole();
  } catch (error) {
    if (pane.stack === begun) banner.cutShort(error);
  }
}
