import { planeOf, type Plane } from "./geometry";
import { binary, item, items, number, numbers, text, texts, type DataSet } from "./json";
import { IDENTITY, unitOf, type Rescale } from "./modality";
import { spacingOf, type Spacing } from "./spacing";
import type { OwnWindow } from "./window";

/** How the bytes of a frame are to be read (PS3.3 §C.7.6.3). */
export interface Layout {
  readonly rows: number;
  readonly columns: number;
  readonly samples: number;
  readonly photometric: string;
  readonly planar: boolean;
  readonly allocated: number;
  readonly stored: number;
  readonly signed: boolean;
  readonly floating: boolean;
  /** Eight-bit samples that stand in 16-bit words (VR OW), which matters in big endian only. */
  readonly wordy: boolean;
}

/** One image on the screen: a frame of an instance with all that is needed to show and to measure it. */
export interface Frame {
  /** `<SOP Instance UID>/<frame number>`, the name under which the frame is loaded and reported. */
  readonly key: string;
  readonly study: string;
  readonly series: string;
  readonly sop: string;
  readonly frame: number;
  readonly instanceNumber: number;
  readonly modality: string;
  readonly layout: Layout;
  readonly rescale: Rescale;
  readonly windows: readonly OwnWindow[];
  readonly plane: Plane | undefined;
  readonly orientation: readonly string[];
  readonly spacing: Spacing;
  readonly lossy: boolean;
  /** Frames a second that the instance asks for; undefined when it says nothing. */
  readonly rate: number | undefined;
  /** The data set that the frame is part of. */
  readonly instance: DataSet;
}

/** All frames of an instance; none when the instance is not an image. */
export function framesOf(instance: DataSet): Frame[] {
  const layout = layoutOf(instance);
  if (layout === undefined) return [];
  const shared = item(instance, "52009229");
  const perFrame = items(instance, "52009230");
  const count = Math.max(number(instance, "00280008") ?? 1, 1);
  const constant = {
    study: text(instance, "0020000D"),
    series: text(instance, "0020000E"),
    sop: text(instance, "00080018"),
    instanceNumber: number(instance, "00200013") ?? 0,
    modality: text(instance, "00080060"),
    layout,
    orientation: texts(instance, "00200020"),
    lossy: text(instance, "00282110") === "01",
    rate: rateOf(instance),
    instance,
  };
  return Array.from({ length: count }, (_, index): Frame => {
    const group = (tag: string): DataSet | undefined => item(perFrame[index], tag) ?? item(shared, tag);
    const position = numbers(group("00209113") ?? instance, "00200032");
    const orientation = numbers(group("00209116") ?? instance, "00200037");
    return {
      ...constant,
      key: `${constant.sop}/${index + 1}`,
      frame: index + 1,
      rescale: rescaleOf(group("00289145") ?? instance, instance),
      windows: windowsOf(group("00289132") ?? instance),
      plane: planeOf(position, orientation),
      spacing: spacingOf(group("00289110"), instance),
    };
  });
}

function layoutOf(instance: DataSet): Layout | undefined {
  const rows = number(instance, "00280010");
  const columns = number(instance, "00280011");
  const allocated = number(instance, "00280100");
  if (!rows || !columns || !allocated) return undefined;
  return {
    rows,
    columns,
    samples: number(instance, "00280002") ?? 1,
    photometric: text(instance, "00280004") || "MONOCHROME2",
    planar: number(instance, "00280006") === 1,
    allocated,
    stored: number(instance, "00280101") ?? allocated,
    signed: number(instance, "00280103") === 1,
    floating: instance["7FE00008"] !== undefined || instance["7FE00009"] !== undefined,
    wordy: instance["7FE00010"]?.vr === "OW",
  };
}

function rescaleOf(source: DataSet, instance: DataSet): Rescale {
  const modality = text(instance, "00080060");
  const table = tableOf(item(source, "00283000"));
  if (table !== undefined) return { ...IDENTITY, ...table };
  const slope = number(source, "00281053");
  const unit = unitOf(text(source, "00281054"), modality, text(instance, "00541001"));
  if (slope === undefined || slope === 0) return { ...IDENTITY, unit: unit === "HU" && slope === undefined ? "" : unit };
  return { slope, intercept: number(source, "00281052") ?? 0, unit };
}

/** ModalityLUTSequence item; LUTDescriptor holds the length (0 means 65,536), the first value mapped, and the bits. */
function tableOf(lut: DataSet | undefined): Pick<Rescale, "table" | "unit"> | undefined {
  if (lut === undefined) return undefined;
  const [, first] = numbers(lut, "00283002");
  const inline = binary(lut, "00283006");
  const values = inline !== undefined && "bytes" in inline ? words(inline.bytes) : numbers(lut, "00283006");
  return values.length === 0 ? undefined : { table: { first: first ?? 0, values }, unit: unitOf(text(lut, "00283004"), "", "") };
}

/** Little-endian 16-bit words, which is how OW values stand in the JSON model. */
export function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength >> 1 }, (_, index) => view.getUint16(index * 2, true));
}

function windowsOf(source: DataSet): OwnWindow[] {
  const widths = numbers(source, "00281051");
  const labels = texts(source, "00281055");
  return numbers(source, "00281050")
    .map((center, index) => ({ center, width: widths[index] ?? 0, label: labels[index] ?? "" }))
    .filter((window) => window.width > 0);
}

/** RecommendedDisplayFrameRate, CineRate, or the inverse of FrameTime in milliseconds. */
function rateOf(instance: DataSet): number | undefined {
  const time = number(instance, "00181063") ?? numbers(instance, "00181065")[1];
  const rate = number(instance, "00082144") ?? number(instance, "00180040") ?? (time ? 1000 / time : undefined);
  return rate !== undefined && rate > 0 && rate <= 120 ? rate : undefined;
}
