/** The compressed transfer syntaxes; each codec is loaded the first time an image needs it. */
import type { Layout } from "../dicom/frames";
import { withColourStated } from "./jpegColour";
import { decodeTwelve } from "./jpegTwelve";

interface FrameInfo {
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: number;
  readonly componentCount: number;
}

/** What the WebAssembly codecs have in common. */
interface WasmDecoder {
  getEncodedBuffer(size: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  getFrameInfo(): FrameInfo;
  decode(): void;
  /** Only JPEG-LS has interleave modes; 0 means that the samples stand plane by plane. */
  getInterleaveMode?(): number;
}

/** Decoded bytes: little-endian, and how the samples lie. */
export interface Decoded {
  readonly bytes: Uint8Array;
  /** Bits in which one sample is held: 8 or 16. */
  readonly held: number;
  readonly samples: number;
  readonly planar: boolean;
}

type Factory = (options: { locateFile: () => string }) => Promise<Record<string, new () => WasmDecoder>>;

const ready = new Map<string, Promise<WasmDecoder>>();

function decoder(name: string, load: () => Promise<{ default: Factory }>, address: URL): Promise<WasmDecoder> {
  const known = ready.get(name);
  if (known !== undefined) return known;
  const made = load().then(async (module) => new (await module.default({ locateFile: () => address.href }))[name]!());
  ready.set(name, made);
  return made;
}

const jpeg = (): Promise<WasmDecoder> =>
  decoder(
    "JPEGDecoder",
    () => import("@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs"),
    new URL("@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm", import.meta.url),
  );

const jpegLs = (): Promise<WasmDecoder> =>
  decoder(
    "JpegLSDecoder",
    () => import("@cornerstonejs/codec-charls/decodewasmjs"),
    new URL("@cornerstonejs/codec-charls/decodewasm", import.meta.url),
  );

const jpeg2000 = (): Promise<WasmDecoder> =>
  decoder(
    "J2KDecoder",
    () => import("@cornerstonejs/codec-openjpeg/decodewasmjs"),
    new URL("@cornerstonejs/codec-openjpeg/decodewasm", import.meta.url),
  );

const highThroughput = (): Promise<WasmDecoder> =>
  decoder("HTJ2KDecoder", () => import("@cornerstonejs/codec-openjph/wasmjs"), new URL("@cornerstonejs/codec-openjph/wasm", import.meta.url));

const BY_SYNTAX: Readonly<Record<string, () => Promise<WasmDecoder>>> = {
  "1.2.840.10008.1.2.4.50": jpeg,
  "1.2.840.10008.1.2.4.51": jpeg,
  "1.2.840.10008.1.2.4.80": jpegLs,
  "1.2.840.10008.1.2.4.81": jpegLs,
  "1.2.840.10008.1.2.4.90": jpeg2000,
  "1.2.840.10008.1.2.4.91": jpeg2000,
  "1.2.840.10008.1.2.4.201": highThroughput,
  "1.2.840.10008.1.2.4.202": highThroughput,
  "1.2.840.10008.1.2.4.203": highThroughput,
};

const EXTENDED_JPEG = "1.2.840.10008.1.2.4.51";
const LOSSLESS_JPEG = new Set(["1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"]);

/** Decodes a compressed frame; undefined when this transfer syntax has no codec here, so that the server can be asked instead. */
export async function decodeCompressed(data: Uint8Array, syntax: string, layout: Layout): Promise<Decoded | undefined> {
  if (LOSSLESS_JPEG.has(syntax)) return losslessJpeg(data, layout);
  if (syntax === EXTENDED_JPEG && layout.samples === 1) return extendedJpeg(data, layout);
  const load = BY_SYNTAX[syntax];
  if (load === undefined) return undefined;
  const codec = await load();
  const stream = load === jpeg ? withColourStated(data, layout.photometric) : data;
  codec.getEncodedBuffer(stream.length).set(stream);
  codec.decode();
  const info = codec.getFrameInfo();
  sameSize(layout, info.height, info.width);
  const planar = info.componentCount > 1 && codec.getInterleaveMode?.() === 0;
  const held = info.bitsPerSample > 8 ? 16 : 8;
  // The buffer belongs to the codec and is written over by the next frame.
  return { bytes: codec.getDecodedBuffer().slice(), held, samples: info.componentCount, planar };
}

/** A stream that belongs to another matrix is not drawn into this one. */
function sameSize(layout: Layout, rows: number, columns: number): void {
  if (rows !== layout.rows || columns !== layout.columns) throw new Error("the compressed matrix has another size");
}

function extendedJpeg(data: Uint8Array, layout: Layout): Decoded | undefined {
  const decoded = decodeTwelve(data);
  if (decoded === undefined) return undefined;
  sameSize(layout, decoded.rows, decoded.columns);
  return { bytes: new Uint8Array(decoded.words.buffer), held: 16, samples: 1, planar: false };
}

async function losslessJpeg(data: Uint8Array, layout: Layout): Promise<Decoded> {
  const { Decoder } = await import("@cornerstonejs/jpeg-lossless-decoder-js");
  const held = layout.allocated > 8 ? 16 : 8;
  const out = new Decoder().decode(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength, held / 8);
  const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  return { bytes, held, samples: layout.samples, planar: false };
}
