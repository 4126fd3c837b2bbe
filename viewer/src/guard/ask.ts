/** What the server says of the session of this browser. */
export interface Standing {
  readonly who: string;
  readonly locked: boolean;
  /** Seconds until the screen locks, or the session ends, if nobody does anything. */
  readonly locks: number;
  readonly ends: number;
  /** Of a locked session: whether its person could open it by a passkey here. */
  readonly passkey?: boolean;
}

/** How a page is told to look after itself: by a meta element, which is there for whoever is signed in. */
export interface Terms {
  readonly url: string;
  readonly who: string;
  readonly name: string;
  readonly token: string;
  /** Whether this is the session of a shared link, which has no lock. */
  readonly link: boolean;
}

export function termsOf(page: Document): Terms | undefined {
  const meta = page.querySelector<HTMLMetaElement>('meta[name="alive"]');
  if (meta === null) return undefined;
  const token = page.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
  return { url: meta.content, who: meta.dataset["who"] ?? "", name: meta.dataset["name"] ?? "", token, link: meta.dataset["kind"] === "link" };
}

/** An answer takes no longer than this, or counts as none. */
const PATIENCE = 2000;

/** Asks once: how the session stands, "over" when it does not, undefined when nobody answers. */
export async function ask(url: string, active: boolean): Promise<Standing | "over" | undefined> {
  const signal = AbortSignal.timeout(PATIENCE);
  const answer = await fetch(active ? `${url}?active=1` : url, { credentials: "same-origin", redirect: "manual", cache: "no-store", signal }).catch(() => undefined);
  if (answer === undefined) return undefined;
  if (answer.status === 401 || answer.type === "opaqueredirect") return "over";
  return answer.ok ? ((await answer.json().catch(() => undefined)) as Standing | undefined) : undefined;
}

/** Sends a form as a script does; the status of the answer, 0 where there was none. */
export async function send(url: string, token: string, entries: Record<string, string>): Promise<number> {
  const headers = { Accept: "application/json", "X-CSRFToken": token };
  const answer = await fetch(url, { method: "POST", headers, body: new URLSearchParams(entries), credentials: "same-origin", redirect: "manual" }).catch(() => undefined);
  return answer?.status ?? 0;
}
