import type { DecodePool } from "../decode/pool";
import type { Image, Job } from "../decode/decode";
import type { Frame } from "../dicom/frames";
import { paletteOf, type Palette } from "../dicom/palette";
import { getBulk, getFrame, RequestError, UNCOMPRESSED, type PauseListener, type Use } from "../net/client";
import type { DisplayedReport } from "../net/displayed";
import type { Part } from "../net/multipart";
import { FrameQueue } from "../net/queue";
import { drawableOf, type Drawable } from "./drawable";

/** Requests on the line at once. */
const LINES = 6;

/** Where finished images are kept; the engine brings it. */
export interface Keeper {
  /** Loads through the engine, which asks back by `FrameStore.load` for what it does not have. */
  keep(frame: Frame): Promise<unknown>;
  has(frame: Frame): boolean;
  /** Whether the image is there or on its way. */
  expects(frame: Frame): boolean;
  /** Lets go of every image. */
  purge(): void;
}

interface Wish {
  use: Use;
  rank: () => number;
}

/** Fetches, decodes and keeps frames; what is looked at goes first, what lies around it follows. */
export class FrameStore {
  private readonly frames = new Map<string, Frame>();
  private readonly wishes = new Map<string, Wish>();
  private readonly palettes = new Map<string, Promise<Palette>>();
  private readonly failed = new Set<string>();
  private readonly begun = new Map<string, Promise<Drawable>>();
  private readonly queue: FrameQueue<Drawable>;
  private keeper: Keeper | undefined;

  constructor(
    private readonly dicomweb: string,
    private readonly pool: DecodePool,
    private readonly report: DisplayedReport,
    private readonly listener: PauseListener,
  ) {
    this.queue = new FrameQueue(LINES, listener);
  }

  readonly frameOf = (key: string): Frame | undefined => this.frames.get(key);

  /** From now on images are kept by the engine. */
  attach(keeper: Keeper): void {
    this.keeper = keeper;
  }

  /** Starts on the very first image while the engine itself is still on its way. */
  begin(frame: Frame): void {
    this.frames.set(frame.key, frame);
    this.begun.set(frame.key, this.load(frame.key));
    this.begun.get(frame.key)!.catch(() => undefined);
  }

  /** What the engine calls for an image it does not have. */
  readonly load = (key: string): Promise<Drawable> => {
    const begun = this.begun.get(key);
    this.begun.delete(key);
    if (begun !== undefined) return begun;
    const frame = this.frames.get(key);
    if (frame === undefined) return Promise.reject(new RequestError("missing"));
    const wish = this.wishes.get(key) ?? { use: "displayed", rank: () => 0 };
    const asked = this.queue.add(key, wish.use, wish.rank, (use, signal) => this.fetch(frame, use, signal));
    asked.catch((error: unknown) => {
      if (error instanceof RequestError && error.trouble === "signed-out") this.listener(error);
    });
    return asked;
  };

  /** Asks for a frame to be shown now. */
  async display(frame: Frame): Promise<void> {
    await this.want(frame, "displayed", () => 0);
  }

  /** Asks for a frame that will probably be shown; failures are silent, they come up when it is shown. */
  async prefetch(frame: Frame, rank: () => number): Promise<void> {
    if (this.keeper?.expects(frame) || this.failed.has(frame.key)) return;
    await this.want(frame, "prefetched", rank).catch(() => undefined);
  }

  /** Puts a frame that was scrolled past before it was sent for back in line. */
  passBy(frame: Frame): void {
    this.queue.change(frame.key, "prefetched");
  }

  has(frame: Frame): boolean {
    return this.keeper?.has(frame) ?? false;
  }

  /** Whether nothing more is to be expected: the image is there, or it cannot be had. */
  settled(frame: Frame): boolean {
    return this.has(frame) || this.failed.has(frame.key);
  }

  /** Forgets all requests not yet sent, except for frames that are still wanted. */
  retain(wanted: (key: string) => boolean): void {
    this.queue.retain(wanted);
  }

  /** Lets go of everything that was fetched or asked for. */
  forget(): void {
    this.queue.retain(() => false);
    for (const kept of [this.frames, this.wishes, this.palettes, this.failed, this.begun]) kept.clear();
    this.keeper?.purge();
  }

  /** Notes that the reader has seen the frame. */
  seen(frame: Frame): void {
    this.report.add(frame);
  }

  private async want(frame: Frame, use: Use, rank: () => number): Promise<void> {
    this.frames.set(frame.key, frame);
    this.wishes.set(frame.key, { use, rank });
    if (use === "displayed") this.queue.change(frame.key, use);
    try {
      await this.keeper?.keep(frame);
      this.failed.delete(frame.key);
    } catch (error) {
      if (error instanceof RequestError) this.failed.add(frame.key);
      throw error;
    }
  }

  private async fetch(frame: Frame, use: Use, signal: AbortSignal): Promise<Drawable> {
    const url = `${this.dicomweb}/studies/${frame.study}/series/${frame.series}/instances/${frame.sop}/frames/${frame.frame}`;
    const part = await getFrame(url, use, signal);
    if (use === "displayed") this.report.known(frame);
    const image = await this.decoded(frame, part, () => getFrame(url, use, signal, UNCOMPRESSED));
    return drawableOf(frame, image);
  }

  /** Decodes; what no codec here can read is asked for once more, uncompressed by the server. */
  private async decoded(frame: Frame, part: Part, uncompressed: () => Promise<Part>): Promise<Image> {
    const palette = frame.layout.photometric === "PALETTE COLOR" ? await this.paletteFor(frame) : undefined;
    const job = (from: Part, layout = frame.layout): Job => ({ bytes: from.bytes, syntax: from.transferSyntax, layout, table: frame.rescale.table, palette });
    const image = await this.pool.decode(job(part)).catch(() => null);
    if (image) return image;
    // Null means that it was read and found wrong, undefined that no codec here knows the transfer syntax.
    const otherwise = new RequestError(image === null ? "damaged" : "unsupported");
    if (part.transferSyntax === UNCOMPRESSED) throw otherwise;
    const second = await uncompressed().catch((error: unknown) => {
      throw error instanceof RequestError && (error.passes || error.trouble === "signed-out") ? error : otherwise;
    });
    const again = await this.pool.decode(job(second, { ...frame.layout, planar: false })).catch(() => undefined);
    if (again === undefined) throw otherwise;
    return again;
  }

  private paletteFor(frame: Frame): Promise<Palette> {
    const known = this.palettes.get(frame.sop);
    if (known !== undefined) return known;
    const made = paletteOf(frame.instance, (uri) => getBulk(new URL(uri, document.baseURI).href)).catch((error: unknown) => {
      this.palettes.delete(frame.sop);
      throw error instanceof RequestError && error.passes ? error : new RequestError("damaged");
    });
    this.palettes.set(frame.sop, made);
    return made;
  }
}
