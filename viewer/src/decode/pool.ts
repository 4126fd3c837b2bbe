import type { Image, Job } from "./decode";
import type { Answer, Question } from "./worker";

interface Seat {
  readonly worker: Worker;
  busy: number;
}

interface Open {
  readonly resolve: (image: Image | undefined) => void;
  readonly reject: (error: Error) => void;
  readonly seat: Seat;
}

/** Decodes off the page's own thread; the least busy worker gets the next frame. */
export class DecodePool {
  private readonly seats: Seat[] = [];
  private readonly open = new Map<number, Open>();
  private count = 0;

  constructor(size = Math.min(Math.max((navigator.hardwareConcurrency || 2) - 1, 1), 4)) {
    for (let seat = 0; seat < size; seat += 1) this.seats.push(this.seat());
  }

  /** The bytes are handed over and cannot be read by the caller afterwards. Resolves to undefined for a transfer syntax without a codec. */
  decode(job: Job): Promise<Image | undefined> {
    const seat = this.seats.reduce((least, other) => (other.busy < least.busy ? other : least));
    const id = (this.count += 1);
    seat.busy += 1;
    return new Promise((resolve, reject) => {
      this.open.set(id, { resolve, reject, seat });
      seat.worker.postMessage({ id, job } satisfies Question, [job.bytes.buffer as ArrayBuffer]);
    });
  }

  private seat(): Seat {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    const seat: Seat = { worker, busy: 0 };
    worker.addEventListener("message", (event: MessageEvent<Answer>) => this.settle(event.data));
    worker.addEventListener("error", () => this.fail(seat));
    return seat;
  }

  private settle(answer: Answer): void {
    const open = this.open.get(answer.id);
    if (open === undefined) return;
    this.open.delete(answer.id);
    open.seat.busy -= 1;
    if ("error" in answer) open.reject(new Error(answer.error));
    else open.resolve(answer.image);
  }

  /** A worker that died takes its frames with it; they are reported as failed instead of waiting for ever. */
  private fail(seat: Seat): void {
    for (const [id, open] of this.open) {
      if (open.seat !== seat) continue;
      this.open.delete(id);
      open.reject(new Error("the decoder stopped"));
    }
    seat.busy = 0;
  }
}
