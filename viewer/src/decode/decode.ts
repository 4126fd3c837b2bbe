import type { Layout } from "../dicom/frames";
import type { Rescale } from "../dicom/modality";
import type { Palette } from "../dicom/palette";
import { decodeCompressed, type Decoded } from "./codecs";
import { expand422, throughPalette, toRgb } from "./colour";
import { nativePixels, type Pixels } from "./native";
import { decodeRle } from "./rle";

export interface Job {
  readonly bytes: Uint8Array;
  readonly syntax: string;
  readonly layout: Layout;
  readonly table: Rescale["table"];
  readonly palette: Palette | undefined;
}

export interface Image {
  /** Stored values, or three bytes a pixel for colour. */
  readonly pixels: Pixels;
  readonly color: boolean;
  readonly min: number;
  readonly max: number;
}

const BIG_ENDIAN = "1.2.840.10008.1.2.2";
const RLE = "1.2.840.10008.1.2.5";
const NATIVE = new Set(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", BIG_ENDIAN]);
/** These decoders turn luminance and chrominance into red, green and blue by themselves. */
const CONVERTS_COLOUR = new Set(["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"]);

/** The picture in the bytes of a frame; undefined when its transfer syntax cannot be read here. Throws on damage. */
export async function decode(job: Job): Promise<Image | undefined> {
  const { layout } = job;
  if (NATIVE.has(job.syntax)) {
    // A frame that the server has decompressed keeps the name of its colours but has all its samples.
    const halved = layout.photometric === "YBR_FULL_422" && job.bytes.length < layout.rows * layout.columns * layout.samples;
    if (halved) return finished(expand422(job.bytes, layout), { ...layout, planar: false }, job);
    return finished(nativePixels(job.bytes, layout, job.syntax === BIG_ENDIAN), layout, job);
  }
  if (job.syntax === RLE) return finished(nativePixels(decodeRle(job.bytes, layout), layout), { ...layout, planar: false }, job);
  const decoded = await decodeCompressed(job.bytes, job.syntax, layout);
  if (decoded === undefined) return undefined;
  const real = realLayout(decoded, job);
  return finished(nativePixels(decoded.bytes, real), real, job);
}

/** The layout of what a codec gave back, which for compressed images overrules the data set (PS3.5 §8.2). */
function realLayout(decoded: Decoded, job: Job): Layout {
  const { layout } = job;
  const photometric = CONVERTS_COLOUR.has(job.syntax) && decoded.samples === 3 ? "RGB" : layout.photometric;
  return { ...layout, photometric, allocated: decoded.held, stored: Math.min(layout.stored, decoded.held), samples: decoded.samples, planar: decoded.planar };
}

function finished(samples: Pixels, layout: Layout, job: Job): Image {
  if (layout.samples >= 3) return { pixels: toRgb(samples, layout), color: true, min: 0, max: 255 };
  if (job.palette !== undefined) return { pixels: throughPalette(samples, job.palette), color: true, min: 0, max: 255 };
  const pixels = job.table === undefined ? samples : throughTable(samples, job.table);
  return { pixels, color: false, ...extremes(pixels) };
}

function throughTable(samples: Pixels, table: NonNullable<Rescale["table"]>): Int32Array {
  const last = table.values.length - 1;
  return Int32Array.from(samples as Int32Array, (value) => table.values[Math.min(Math.max(value - table.first, 0), last)]!);
}

function extremes(pixels: Pixels): { min: number; max: number } {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of pixels) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return Number.isFinite(min) && Number.isFinite(max) ? { min, max } : { min: 0, max: 1 };
}
