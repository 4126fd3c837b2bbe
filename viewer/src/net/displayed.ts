/** A frame by its place in the archive. */
export interface Shown {
  readonly study: string;
  readonly series: string;
  readonly sop: string;
  readonly frame: number;
}

/** A request that may outlive its page carries at most 64 KiB; two UIDs a line leave room for so many. */
const LARGEST_BATCH = 300;

/**
 * Tells the server which prefetched frames the reader has in fact looked at: batches of at most one a second and study, the
 * rest when the page is left. A batch that does not arrive is put back and sent with the next.
 */
export class DisplayedReport {
  private readonly told = new Set<string>();
  private readonly pending = new Map<string, Shown[]>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly urlOf: (study: string) => string,
    private readonly token: string,
  ) {
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.sendAll();
    });
    window.addEventListener("pagehide", () => this.sendAll());
  }

  /** Notes a frame that the server already knows as displayed, because it was asked for as such. */
  known(shown: Shown): void {
    this.told.add(keyOf(shown));
  }

  /** Notes a frame that has just been shown; each is told once. */
  add(shown: Shown): void {
    if (this.told.has(keyOf(shown))) return;
    this.told.add(keyOf(shown));
    this.queue(shown.study).push(shown);
    this.later(1000);
  }

  private sendAll(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const study of this.pending.keys()) void this.send(study);
  }

  private async send(study: string): Promise<void> {
    const waiting = this.queue(study);
    const batch = waiting.splice(0, LARGEST_BATCH);
    if (batch.length === 0) return;
    const headers = { "Content-Type": "application/json", "X-CSRFToken": this.token };
    const body = JSON.stringify({ displayed: batch.map((shown) => [shown.series, shown.sop, shown.frame]) });
    const request = { method: "POST", headers, body, keepalive: true, credentials: "same-origin" } as const;
    const answer = await fetch(this.urlOf(study), request).catch(() => undefined);
    const arrived = answer?.ok ?? false;
    if (!arrived) waiting.unshift(...batch);
    // An answer that refuses for good is not asked again; what is told later tries once more.
    if (arrived ? waiting.length > 0 : answer === undefined || answer.status >= 500) this.later(arrived ? 1000 : 3000);
  }

  private later(milliseconds: number): void {
    this.timer ??= setTimeout(() => this.sendAll(), milliseconds);
  }

  private queue(study: string): Shown[] {
    const known = this.pending.get(study) ?? [];
    this.pending.set(study, known);
    return known;
  }
}

const keyOf = (shown: Shown): string => `${shown.sop}/${shown.frame}`;
