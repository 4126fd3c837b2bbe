import type { Config } from "../config";
import type { Preset } from "../dicom/window";
import type { MakeView } from "../render";
import type { FrameStore } from "../render/store";
import { firstStack, lengthOf, stackOf, type Series, type Stack, type Study } from "../study";
import type { Language } from "../text/text";
import type { Banner } from "./banner";
import { Cine } from "./cine";
import { complete } from "./completing";
import type { Tool } from "./gestures";
import { makeHelp } from "./help";
import { listenToKeys } from "./keys";
import { layOut, type Layout } from "./layout";
import type { LaidOut, LaidPane } from "./laid";
import type { Lengths } from "./lengths";
import { presetsOf } from "./look";
import { makeMeasurements } from "./measurements";
import { Pane, type Surroundings } from "./pane";
import { makePriors, type Prior } from "./priors";
import { makeStrip } from "./strip";
import { match, Together } from "./together";
import { makeToolbar, type Command } from "./toolbar";

interface Means {
  readonly config: Config;
  readonly language: Language;
  readonly banner: Banner;
  readonly store: FrameStore;
  readonly lengths: Lengths;
  openStudy(uid: string): Study;
}

/** The reader's desk: one or two panes, which of them is active, and the tools around them. */
export class Desk {
  private readonly strip;
  private readonly toolbar;
  private readonly measurements;
  private readonly priors;
  private readonly help: HTMLDialogElement;
  private readonly layout: Layout;
  private readonly cine = new Cine(() => this.later());
  private readonly together = new Together();
  private readonly lists = new Map<string, readonly Series[]>();
  private panes: Pane[] = [];
  private active = 0;
  private tool: Tool = "window";
  private makeView: MakeView | undefined;
  private scheduled = false;
  /** What the command and the key "lock" do. */
  lock: () => void = () => undefined;

  constructor(
    private readonly root: HTMLElement,
    private readonly means: Means,
  ) {
    const { language, config } = means;
    this.strip = makeStrip(config.dicomweb, language, (series) => void this.openSeries(series));
    this.toolbar = makeToolbar(language, config.heading, config.link, {
      tool: (tool) => this.choose(tool),
      command: (command) => this.command(command),
      preset: (preset) => this.usePreset(preset),
      speed: (speed) => this.pane && this.cine.setRate(this.pane, speed),
    });
    this.measurements = makeMeasurements(language);
    this.priors = makePriors(config.priors, language, (prior) => void this.openPrior(prior));
    this.help = makeHelp(language);
    const parts = { toolbar: this.toolbar.element, banner: means.banner.element, strip: this.strip.element, measurements: this.measurements.element };
    this.layout = layOut(root, { ...parts, dialogs: [this.help, this.priors.element] }, language);
    // A desk that is taken off the page has no size, which would spoil how its images lie.
    new ResizeObserver(() => root.isConnected && this.panes.forEach((pane) => pane.resize())).observe(this.layout.panes);
    this.listen();
    this.later();
  }

  announce(words: string): void {
    this.layout.announce(words);
  }

  /** The engine has come: images can be shown from now on. */
  begin(makeView: MakeView): void {
    this.makeView = makeView;
  }

  /** Everything that is laid out, as plain values. */
  laidOut(): LaidOut {
    const panes = this.panes.map((pane) => pane.laidOut()).filter((pane) => pane !== undefined);
    return { tool: this.tool, active: this.active, synced: this.together.joined(), panes, lengths: this.means.lengths.laidOut() };
  }

  /** Takes every image off the screen and out of memory, and every line. */
  putAway(): void {
    this.cine.stop();
    this.together.part();
    for (const pane of this.panes) pane.destroy();
    this.panes = [];
    this.layout.panes.dataset.panes = "0";
    this.lists.clear();
    this.means.store.forget();
    this.means.lengths.replace([]);
  }

  /** Lays everything out again; false where nothing of it is there any more. */
  async takeOut(laidOut: LaidOut): Promise<boolean> {
    const studies = new Map(laidOut.panes.map(({ study }) => [study, this.means.openStudy(study)]));
    try {
      for (const laid of laidOut.panes) await this.takeOutPane(laid, studies.get(laid.study)!);
    } catch (error) {
      this.means.banner.fail(error);
    }
    const first = this.panes[0];
    if (first === undefined) return false;
    this.means.lengths.replace(laidOut.lengths);
    this.choose(laidOut.tool);
    this.activate(this.panes[laidOut.active] ?? first);
    if (laidOut.synced && this.panes[1] !== undefined) this.together.join(first, this.panes[1]);
    return true;
  }

  private async takeOutPane(laid: LaidPane, study: Study): Promise<void> {
    const { series, stack } = await stackOf(study, laid.series);
    if (stack === undefined) return;
    this.lists.set(study.uid, series);
    const pane = this.newPane(this.panes.length);
    this.panes.push(pane);
    await pane.takeOut(study, stack, laid);
    this.panes.forEach((other) => other.resize());
  }

  /** Shows a stack of a study, in the first pane or beside it. */
  async show(study: Study, series: readonly Series[], stack: Stack, place = 0): Promise<void> {
    this.lists.set(study.uid, series);
    this.panes[place] ??= this.newPane(place);
    this.activate(this.panes[place]);
    await this.open(this.panes[place], study, stack);
  }

  lengthsChanged(): void {
    this.measurements.update(this.means.lengths);
    for (const pane of this.panes) pane.refresh();
  }

  private get pane(): Pane | undefined {
    return this.panes[this.active];
  }

  private newPane(number: number): Pane {
    const { language, store, lengths } = this.means;
    const around: Surroundings = {
      language,
      store,
      lengths,
      makeView: this.makeView!,
      host: this.layout.panes,
      tool: () => this.tool,
      changed: () => this.later(),
      scrolled: (pane) => this.scrolled(pane),
      activated: (pane) => this.activate(pane),
      closed: () => this.closeSecond(),
    };
    this.layout.panes.dataset.panes = String(number + 1);
    const pane = new Pane(number, around);
    this.panes.forEach((other) => other.resize());
    return pane;
  }

  private async open(pane: Pane, study: Study, stack: Stack): Promise<void> {
    if (this.cine.on(pane)) this.cine.stop();
    this.together.part();
    const opened = pane.open(study, stack);
    this.means.store.retain((key) => this.panes.some((one) => one.wants(key)));
    await opened;
    this.later();
    void complete(pane, stack, this.means.banner).then(() => this.later());
  }

  private async openSeries(series: Series): Promise<void> {
    const { pane } = this;
    if (pane?.study === undefined) return;
    try {
      await this.open(pane, pane.study, await pane.study.begin(series));
    } catch (error) {
      this.means.banner.fail(error);
    }
  }

  private async openPrior(prior: Prior): Promise<void> {
    const study = this.means.openStudy(prior.study_uid);
    try {
      const { series, stack } = await firstStack(study, this.panes[0]?.stack?.series.modality);
      await this.show(study, series, stack, 1);
    } catch (error) {
      this.means.banner.fail(error);
    }
  }

  private closeSecond(): void {
    this.together.part();
    this.cine.stop();
    this.panes.pop()?.destroy();
    this.layout.panes.dataset.panes = "1";
    this.activate(this.panes[0]!);
    this.panes[0]!.resize();
  }

  private activate(pane: Pane): void {
    this.active = Math.max(this.panes.indexOf(pane), 0);
    for (const one of this.panes) one.element.toggleAttribute("data-active", one === pane);
    this.later();
  }

  private scrolled(pane: Pane): void {
    const other = this.panes.find((one) => one !== pane);
    if (other !== undefined && this.together.joined()) this.together.carry(pane, other, pane.number === 0);
  }

  private choose(tool: Tool): void {
    this.tool = tool;
    this.root.dataset.tool = tool;
    this.later();
  }

  private usePreset(preset: Preset | undefined): void {
    if (preset !== undefined) this.pane?.looking.use(preset);
  }

  private command(command: Command): void {
    const { pane } = this;
    if (command === "help") return this.help.showModal();
    if (command === "priors") return void (this.means.config.link || this.priors.show());
    if (command === "sync") return this.toggleSync();
    if (command === "lock") return this.lock();
    if (pane === undefined) return;
    if (command === "play") this.cine.toggle(pane);
    else if (command === "invert") pane.looking.invert();
    else pane[command]();
  }

  private toggleSync(): void {
    const [first, second] = this.panes;
    if (this.together.joined()) this.together.part();
    else if (first !== undefined && second !== undefined) this.together.join(first, second);
    this.later();
  }

  private listen(): void {
    listenToKeys({
      step: (by) => this.pane?.step(by),
      end: (last) => this.pane?.step(last ? Infinity : -Infinity),
      series: (by) => this.neighbour(by),
      preset: (index) => this.usePreset(presetsOf(this.pane?.drawable())[index]),
      tool: (tool) => this.choose(tool),
      command: (command) => this.command(command),
      zoom: (factor) => this.pane?.zoom(factor),
      otherPane: () => this.panes[1 - this.active]?.element.focus(),
      deleteLast: () => this.means.lengths.removeLast(this.pane?.frame()),
    });
  }

  private neighbour(by: number): void {
    const list = this.lists.get(this.pane?.study?.uid ?? "") ?? [];
    const at = list.findIndex((series) => series.uid === this.pane?.stack?.series.uid);
    const next = list[at + by];
    if (next !== undefined) void this.openSeries(next);
  }

  /** Brings everything around the panes up to date, once before the next picture however much has changed. */
  private later(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.update();
    });
  }

  private update(): void {
    const { pane } = this;
    const drawable = pane?.drawable();
    const count = lengthOf(pane?.stack);
    this.toolbar.update({
      tool: this.tool,
      inverted: pane?.looking.inverted() ?? false,
      synced: this.together.joined(),
      syncable: this.panes.length === 2 && match(this.panes[0]!, this.panes[1]!),
      presets: presetsOf(drawable),
      preset: pane?.looking.preset(),
      panes: this.panes.length,
      playing: pane !== undefined && this.cine.on(pane),
      count,
      speed: pane === undefined ? 10 : this.cine.rate(pane),
    });
    if (pane?.study === undefined) return;
    this.strip.show(pane.study.uid, pane.heading(), this.lists.get(pane.study.uid) ?? [], pane.stack?.series.uid);
    this.layout.progress(pane.loaded(), count);
    if (!pane.settled()) return;
    if (this.root.dataset.state === "loading") this.root.dataset.state = "ready";
    if (drawable !== undefined && pane.stack?.rest === undefined) this.announce(this.means.language.say("state.ready", { index: pane.index + 1, count }));
  }
}
