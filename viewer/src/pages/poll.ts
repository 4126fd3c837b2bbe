const EVERY = 3000;

/** What the last answer was, so that an unchanged one costs nothing; kept here because the browser may not store answers. */
const entityTags = new Map<string, string>();

/**
 * Keeps the states of a list alive: while the page is seen, every three seconds what `data-poll` answers takes the place of equal ids.
 * The address names the rows that the page shows; a state that has no place on it says that there are others.
 */
export function watch(): void {
  setInterval(() => {
    const list = document.querySelector<HTMLElement>("[data-poll]");
    if (list !== null && !document.hidden) void poll(list.dataset["poll"] ?? "");
  }, EVERY);
}

async function poll(url: string): Promise<void> {
  const tag = entityTags.get(url);
  // What the page asks by itself is no use of the session: a page left open does not keep it alive.
  const headers: Record<string, string> = { "Custos-Poll": "1" };
  if (tag !== undefined) headers["If-None-Match"] = tag;
  const answer = await fetch(url, { headers, credentials: "same-origin", redirect: "manual" }).catch(() => null);
  // The session has ended or is locked: where nothing looks after the page, it must not go on showing names.
  if (answer?.type === "opaqueredirect" || answer?.status === 401) return guarded() ? undefined : window.location.reload();
  if (answer?.status !== 200) return;
  entityTags.set(url, answer.headers.get("ETag") ?? "");
  place(await answer.text());
}

const guarded = (): boolean => document.querySelector('meta[name="alive"]') !== null;

function place(html: string): void {
  const answer = new DOMParser().parseFromString(html, "text/html");
  let unknown = false;
  for (const element of answer.body.children) {
    const shown = document.getElementById(element.id);
    if (shown === null) unknown ||= element.classList.contains("state");
    else if (shown.tagName === element.tagName) shown.replaceWith(document.adoptNode(element.cloneNode(true)));
    else shown.textContent = element.textContent;
  }
  const arrived = document.getElementById("arrived");
  if (arrived !== null) arrived.hidden = !unknown;
}
