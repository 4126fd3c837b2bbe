import type { Config } from "./config";
import { DecodePool } from "./decode/pool";
import { guardPage, type Work } from "./guard/guard";
import { RequestError } from "./net/client";
import { DisplayedReport } from "./net/displayed";
import { FrameStore } from "./render/store";
import { firstStack, Study } from "./study";
import { languageOf } from "./text/text";
import { makeBanner, type Banner } from "./ui/banner";
import { Desk } from "./ui/desk";
import type { LaidOut } from "./ui/laid";
import { Lengths } from "./ui/lengths";

/** Opens the study of the page: the first image is asked for while the engine is still being loaded. */
export async function startViewer(root: HTMLElement, config: Config): Promise<void> {
  const language = languageOf(config.language);
  const banner = makeBanner(language);
  const report = new DisplayedReport(config.displayedUrl, config.token);
  const store = new FrameStore(config.dicomweb, new DecodePool(), report, banner.pause);
  const lengths = new Lengths(() => desk.lengthsChanged());
  const openStudy = (uid: string): Study => new Study(uid, config.dicomweb, banner.pause, !config.link);
  const desk: Desk = new Desk(root, { config, language, banner, store, lengths, openStudy });
  root.dataset.state = "loading";
  const guard = guardPage(language, workOf(desk, config, banner));
  desk.lock = () => guard?.lock();
  hushKnown();
  desk.announce(language.say("state.loading"));
  try {
    const engine = import("./render");
    const waiting = config.desk === "" ? undefined : taken(config);
    const study = openStudy(config.study);
    const { series, stack } = await firstStack(study);
    if (stack.frames[0] !== undefined) store.begin(stack.frames[0]);
    const { startRendering } = await engine;
    desk.begin(startRendering(store, config.renderer));
    const laidOut = await waiting;
    if (laidOut === undefined || !(await desk.takeOut(laidOut))) await desk.show(study, series, stack);
  } catch (error) {
    root.dataset.state = "error";
    banner.fail(error);
  }
}

/** What the desk puts away while the screen is locked, and takes out again. */
function workOf(desk: Desk, config: Config, banner: Banner): Work {
  let kept: LaidOut | undefined;
  return {
    laidOut: () => {
      const laidOut = kept ?? desk.laidOut();
      return laidOut.panes.length > 0 ? { study: config.study, desk: JSON.stringify(laidOut) } : undefined;
    },
    putAway: () => {
      kept ??= desk.laidOut();
      desk.putAway();
    },
    takeOut: () => {
      const laidOut = kept;
      kept = undefined;
      banner.clear();
      if (laidOut !== undefined) void desk.takeOut(laidOut);
    },
  };
}

/** What was laid out here when the screen was locked; undefined when it is gone or cannot be read. */
async function taken(config: Config): Promise<LaidOut | undefined> {
  const headers = { "X-CSRFToken": config.token };
  const answer = await fetch(config.desk, { method: "POST", headers, credentials: "same-origin", redirect: "manual" }).catch(() => undefined);
  return answer?.status === 200 ? ((await answer.json().catch(() => undefined)) as LaidOut | undefined) : undefined;
}

/** The engine's cache leaves a copy of every refused request unhandled; where it matters, the pane has already said so in words. */
function hushKnown(): void {
  window.addEventListener("unhandledrejection", (event) => {
    const aborted = event.reason instanceof DOMException && event.reason.name === "AbortError";
    if (aborted || event.reason instanceof RequestError) event.preventDefault();
  });
}
