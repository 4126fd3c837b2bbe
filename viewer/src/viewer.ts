import type { Config } from "./config";
import { DecodePool } from "./decode/pool";
import { RequestError } from "./net/client";
import { DisplayedReport } from "./net/displayed";
import { FrameStore } from "./render/store";
import { firstStack, Study } from "./study";
import { languageOf } from "./text/text";
import { makeBanner } from "./ui/banner";
import { Desk } from "./ui/desk";
import { Lengths } from "./ui/lengths";

/** Opens the study of the page: the first image is asked for while the engine is still being loaded. */
export async function startViewer(root: HTMLElement, config: Config): Promise<void> {
  const language = languageOf(config.language);
  const banner = makeBanner(language);
  const report = new DisplayedReport(config.displayedUrl, config.token);
  const store = new FrameStore(config.dicomweb, new DecodePool(), report, banner.pause);
  const lengths = new Lengths(() => desk.lengthsChanged());
  const openStudy = (uid: string): Study => new Study(uid, config.dicomweb, banner.pause);
  const desk: Desk = new Desk(root, { config, language, banner, store, lengths, openStudy });
  root.dataset.state = "loading";
  hushKnown();
  desk.announce(language.say("state.loading"));
  try {
    const engine = import("./render");
    const study = openStudy(config.study);
    const { series, stack } = await firstStack(study);
    if (stack.frames[0] !== undefined) store.begin(stack.frames[0]);
    const { startRendering } = await engine;
    desk.begin(startRendering(store, config.renderer));
    await desk.show(study, series, stack);
  } catch (error) {
    root.dataset.state = "error";
    banner.fail(error);
  }
}

/** The engine's cache leaves a copy of every refused request unhandled; where it matters, the pane has already said so in words. */
function hushKnown(): void {
  window.addEventListener("unhandledrejection", (event) => {
    const aborted = event.reason instanceof DOMException && event.reason.name === "AbortError";
    if (aborted || event.reason instanceof RequestError) event.preventDefault();
  });
}
