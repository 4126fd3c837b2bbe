import { RequestError, type PauseListener, type Use } from "./client";

interface Entry<T> {
  readonly key: string;
  use: Use;
  /** How near the frame is to what is looked at now; asked anew whenever a place is free. */
  readonly rank: () => number;
  readonly run: (use: Use, signal: AbortSignal) => Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A bounded queue in which what the reader looks at goes before what is fetched ahead. A request that is answered
 * "later" (503) or not at all stays in the queue; the whole queue rests until the time the server named has passed.
 */
export class FrameQueue<T> {
  private readonly waiting = new Map<string, Entry<T>>();
  private running = 0;
  private resumeAt = 0;
  private failures = 0;

  constructor(
    private readonly limit: number,
    private readonly listener: PauseListener,
  ) {}

  /** Asks for a frame; `run` is called once a place is free, with the use that holds at that moment. */
  add(key: string, use: Use, rank: () => number, run: Entry<T>["run"]): Promise<T> {
    return new Promise((resolve, reject) => {
      this.waiting.set(key, { key, use, rank, run, resolve, reject });
      queueMicrotask(() => this.start());
    });
  }

  /** Changes what a request that still waits is for: a displayed one goes next, one that was scrolled past goes back in line. */
  change(key: string, use: Use): void {
    const entry = this.waiting.get(key);
    if (entry === undefined) return;
    entry.use = use;
    this.start();
  }

  /** Takes back every request that has not been sent and that `wanted` does not know any more. */
  retain(wanted: (key: string) => boolean): void {
    for (const entry of [...this.waiting.values()]) {
      if (wanted(entry.key)) continue;
      this.waiting.delete(entry.key);
      entry.reject(new DOMException("no longer wanted", "AbortError"));
    }
  }

  private start(): void {
    if (Date.now() < this.resumeAt) return;
    for (let next = this.next(); next !== undefined; next = this.next()) {
      this.waiting.delete(next.key);
      void this.send(next);
    }
  }

  /** One place is kept free of prefetching, so that the image the reader asks for never waits for a line. */
  private next(): Entry<T> | undefined {
    let best: Entry<T> | undefined;
    for (const entry of this.waiting.values()) {
      if (best === undefined || order(entry) < order(best)) best = entry;
    }
    const limit = best?.use === "displayed" ? this.limit : this.limit - 1;
    return this.running < limit ? best : undefined;
  }

  private async send(entry: Entry<T>): Promise<void> {
    this.running += 1;
    try {
      entry.resolve(await entry.run(entry.use, new AbortController().signal));
      if (this.failures > 0) this.listener(null);
      this.failures = 0;
    } catch (error) {
      if (error instanceof RequestError && error.passes) this.rest(entry, error);
      else entry.reject(error);
    } finally {
      this.running -= 1;
      this.start();
    }
  }

  private rest(entry: Entry<T>, error: RequestError): void {
    this.waiting.set(entry.key, entry);
    if (Date.now() < this.resumeAt) return;
    this.failures += 1;
    this.resumeAt = Date.now() + error.retryAfter * 1000;
    this.listener(error);
    setTimeout(() => {
      this.resumeAt = 0;
      this.start();
    }, error.retryAfter * 1000);
  }
}

const order = (entry: { use: Use; rank: () => number }): number => (entry.use === "displayed" ? -1e9 : 0) + entry.rank();
