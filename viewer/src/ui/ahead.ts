import type { Frame } from "../dicom/frames";
import { outward } from "../dicom/order";
import type { FrameStore } from "../render/store";

/** Bytes of decoded pixels that one pane fetches ahead. */
const ROOM = 450_000_000;

/** Fetches around the image that is looked at, from near to far and as much as fits into memory, once scrolling rests for a moment. */
export class Ahead {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: FrameStore,
    private readonly arrived: () => void,
  ) {}

  /** `index` is asked again whenever the line is free, so that the order follows the reader. */
  from(frames: readonly Frame[], index: () => number): void {
    this.stop();
    this.timer = setTimeout(() => {
      for (const at of outward(index(), frames.length).slice(0, fitting(frames))) {
        void this.store.prefetch(frames[at]!, () => Math.abs(at - index())).then(this.arrived);
      }
    }, 60);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}

function fitting(frames: readonly Frame[]): number {
  const layout = frames[0]?.layout;
  if (layout === undefined) return 0;
  const bytes = (layout.rows * layout.columns * layout.samples * Math.max(layout.allocated, 8)) / 8;
  return Math.max(Math.floor(ROOM / bytes), 1);
}
