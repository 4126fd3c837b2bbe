import { framesOf, type Frame } from "./dicom/frames";
import { text, type DataSet } from "./dicom/json";
import { ordered } from "./dicom/order";
import { getDataSets } from "./net/client";

/** An image to begin with, and the instance that it is part of. */
export interface Early {
  readonly frame: Frame;
  readonly instance: DataSet;
}

/**
 * The first image of a series in reading order, found without the series' metadata: of the instances with the lowest and
 * the highest number, the one that comes first where they lie. In a series that runs through the body this is the first of
 * all; in another one it is some image of it, whose place is known when the metadata have come.
 */
export async function early(series: string, count: number): Promise<Early | undefined> {
  const ends = await Promise.all([0, count - 1].map((offset) => getDataSets(`${series}/instances?limit=1&offset=${offset}`)));
  const uids = new Set(ends.flat().map((row) => text(row, "00080018")));
  const instances = await Promise.all([...uids].map((uid) => getDataSets(`${series}/instances/${uid}/metadata`)));
  const [frame] = ordered(instances.flat().flatMap(framesOf));
  return frame && { frame, instance: frame.instance };
}
