const KINDS = ["pointerdown", "pointermove", "wheel", "keydown", "touchstart"] as const;

/** How often the server is told that somebody is there. */
const TOLD_EVERY = 60_000;

/** Whether somebody does something on this page: what a hand does, never what a script does. */
export class Activity {
  private active = false;
  private told = Date.now();

  constructor(covered: () => boolean) {
    const note = (event: Event): void => {
      if (event.isTrusted && !covered()) this.active = true;
    };
    for (const kind of KINDS) document.addEventListener(kind, note, { capture: true, passive: true });
  }

  /** Whether to tell the server now; `soon` when it would otherwise lock or end within a minute. */
  take(soon: boolean): boolean {
    if (!this.active || (!soon && Date.now() - this.told < TOLD_EVERY)) return false;
    this.active = false;
    this.told = Date.now();
    return true;
  }
}
