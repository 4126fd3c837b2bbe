/** A page brought back by "back" may show names after signing out: it stays hidden until the session is known to live. */
export function ask(): void {
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    document.documentElement.hidden = true;
    void fetch(window.location.pathname, { method: "HEAD", headers: { "Custos-Poll": "1" }, credentials: "same-origin", redirect: "manual" }).then(
      (answer) => {
        if (answer.ok) document.documentElement.hidden = false;
        else window.location.reload();
      },
      () => window.location.reload(),
    );
  });
}
