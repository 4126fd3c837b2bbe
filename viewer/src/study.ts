import { framesOf, type Frame } from "./dicom/frames";
import { number, text, type DataSet } from "./dicom/json";
import { early, type Early } from "./early";
import { ordered } from "./dicom/order";
import { getDataSets, patiently, type PauseListener } from "./net/client";

export interface Series {
  readonly uid: string;
  readonly modality: string;
  readonly number: number | undefined;
  readonly description: string;
  readonly count: number;
}

/** A series with its images in reading order; without any when its objects are not images. */
export interface Stack {
  readonly series: Series;
  readonly frames: readonly Frame[];
  /** Any instance of the series, for who and when. */
  readonly instance: DataSet;
  /** Where only an image to begin with is known so far: the stack with all of them, once its metadata have come. */
  readonly rest?: Promise<Stack>;
}

/** These never hold an image of their own (PS3.3 §C.7.3.1.1.1). */
const WITHOUT_IMAGES = new Set(["SR", "KO", "PR", "DOC", "RTSTRUCT", "RTPLAN", "RTRECORD", "REG", "FID", "PLAN", "ECG", "HD", "AU", "RWV", "STAIN", "M3D"]);

export const isPicture = (series: Series): boolean => !WITHOUT_IMAGES.has(series.modality);

/** One study of the archive; its series are described at once, their instances when they are opened. */
export class Study {
  private readonly stacks = new Map<string, Promise<Stack>>();

  constructor(
    readonly uid: string,
    private readonly dicomweb: string,
    private readonly listener: PauseListener,
    /** Whether single instances may be asked about; a shared link opens whole series only. */
    private readonly single = true,
  ) {}

  /** The series in the order of their numbers. */
  async series(): Promise<Series[]> {
    const url = `${this.dicomweb}/studies/${this.uid}/series?includefield=0008103E,00201209`;
    const rows = await patiently(() => getDataSets(url), this.listener);
    return rows.map(seriesOf).sort((a, b) => (a.number ?? Infinity) - (b.number ?? Infinity) || (a.uid < b.uid ? -1 : 1));
  }

  stack(series: Series): Promise<Stack> {
    const known = this.stacks.get(series.uid);
    if (known !== undefined) return known;
    const made = this.read(series);
    this.stacks.set(series.uid, made);
    made.catch(() => this.stacks.delete(series.uid));
    return made;
  }

  /**
   * The stack of a series; where its metadata keep the reader waiting, its first image alone, with the promise of the rest.
   * A series that has just arrived has no metadata made ready, and the server reads every header of it first.
   */
  async begin(series: Series): Promise<Stack> {
    const whole = this.stack(series);
    if (!this.single || !isPicture(series) || series.count < 2) return whole;
    const soon = await Promise.race([whole, pause(PATIENCE)]);
    if (soon !== undefined) return soon;
    const first = early(`${this.dicomweb}/studies/${this.uid}/series/${series.uid}`, series.count).catch(() => undefined);
    const found = await Promise.race([whole, first]);
    if (found === undefined) return whole;
    return "series" in found ? found : begun(series, found, whole);
  }

  private async read(series: Series): Promise<Stack> {
    const url = `${this.dicomweb}/studies/${this.uid}/series/${series.uid}/metadata`;
    const instances = await patiently(() => getDataSets(url), this.listener);
    const frames = isPicture(series) ? instances.flatMap(framesOf) : [];
    return { series, frames: ordered(frames), instance: instances[0] ?? {} };
  }
}

/** How long the metadata of a series may take, in milliseconds, before its first image is looked for without them. */
const PATIENCE = 100;

const pause = (milliseconds: number): Promise<undefined> => new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds));

/** One image of a series; in the rest it stands as the same object, so that what is on the screen stays what it is. */
function begun(series: Series, { frame, instance }: Early, whole: Promise<Stack>): Stack {
  const rest = whole.then((stack) => ({ ...stack, frames: stack.frames.map((other) => (other.key === frame.key ? frame : other)) }));
  // Who shows the stack hears of a failure; where nobody does any more, there is nothing to tell.
  rest.catch(() => undefined);
  return { series, frames: [frame], instance, rest };
}

/** How many images a stack has; until its metadata have come, how many instances the archive counts. */
export const lengthOf = (stack: Stack | undefined): number => (stack?.rest === undefined ? (stack?.frames.length ?? 0) : stack.series.count);

function seriesOf(row: DataSet): Series {
  return {
    uid: text(row, "0020000E"),
    modality: text(row, "00080060"),
    number: number(row, "00200011"),
    description: text(row, "0008103E"),
    count: number(row, "00201209") ?? 0,
  };
}

/** The series of a study and one of them by its UID, if it is there. */
export async function stackOf(study: Study, uid: string): Promise<{ series: Series[]; stack: Stack | undefined }> {
  const series = await study.series();
  const wanted = series.find((one) => one.uid === uid);
  return { series, stack: wanted && (await study.stack(wanted)) };
}

/** The series of a study and the one to begin with: the first with images, of the wanted modality if there is one. */
export async function firstStack(study: Study, modality = ""): Promise<{ series: Series[]; stack: Stack }> {
  const series = await study.series();
  const first = series.find((one) => isPicture(one) && one.modality === modality) ?? series.find(isPicture) ?? series[0];
  if (first === undefined) throw new Error("a study without series");
  return { series, stack: await study.begin(first) };
}
