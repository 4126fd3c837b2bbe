import { framesOf, type Frame } from "./dicom/frames";
import { number, text, type DataSet } from "./dicom/json";
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

  private async read(series: Series): Promise<Stack> {
    const url = `${this.dicomweb}/studies/${this.uid}/series/${series.uid}/metadata`;
    const instances = await patiently(() => getDataSets(url), this.listener);
    const frames = isPicture(series) ? instances.flatMap(framesOf) : [];
    return { series, frames: ordered(frames), instance: instances[0] ?? {} };
  }
}

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
  return { series, stack: await study.stack(first) };
}
