/** The heavy half of the viewer, loaded while the first data is already on its way. */
import { cache, imageLoader } from "@cornerstonejs/core";

import { imageIdOf, startEngine } from "./engine";
import type { FrameStore } from "./store";
import { StackView } from "./view";

export type { StackView } from "./view";

export type MakeView = (id: string, element: HTMLDivElement, onRendered: () => void) => StackView;

/** Connects the store to the engine; returns the maker of views. */
export function startRendering(store: FrameStore, renderer: string | null): MakeView {
  const engine = startEngine(store.frameOf, store.load, renderer);
  store.attach({
    keep: (frame) => imageLoader.loadAndCacheImage(imageIdOf(frame)),
    has: (frame) => cache.isLoaded(imageIdOf(frame)),
    purge: () => cache.purgeCache(),
    expects: (frame) => cache.getImageLoadObject(imageIdOf(frame)) !== undefined,
  });
  return (id, element, onRendered) => new StackView(engine, id, element, onRendered);
}
