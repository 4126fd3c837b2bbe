import type { Layout } from "../dicom/frames";

export type Pixels = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/**
 * Stored values of an uncompressed frame, one number per sample: bits above BitsStored are cleared or carry the sign
 * (PS3.5 §8.1.1). Throws when bytes are missing, so that a short frame is never shown as if it were whole.
 */
export function nativePixels(bytes: Uint8Array, layout: Layout, bigEndian = false): Pixels {
  const count = layout.rows * layout.columns * layout.samples;
  if (layout.allocated === 1) return bits(bytes, count);
  const size = layout.allocated / 8;
  if (bytes.byteLength < count * size) throw new Error("the frame is shorter than its matrix");
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  if (bigEndian && (size > 1 || layout.wordy)) swap(aligned, Math.max(size, 2));
  const pixels = typed(aligned, count, layout);
  return layout.floating || layout.stored === layout.allocated ? pixels : trimmed(pixels, layout);
}

function typed(bytes: Uint8Array, count: number, layout: Layout): Pixels {
  const { buffer, byteOffset } = bytes;
  const { allocated, signed, floating } = layout;
  if (allocated === 8) return signed ? new Int8Array(buffer, byteOffset, count) : new Uint8Array(buffer, byteOffset, count);
  if (allocated === 16) return signed ? new Int16Array(buffer, byteOffset, count) : new Uint16Array(buffer, byteOffset, count);
  if (allocated === 32 && floating) return new Float32Array(buffer, byteOffset, count);
  if (allocated === 32) return signed ? new Int32Array(buffer, byteOffset, count) : new Uint32Array(buffer, byteOffset, count);
  if (allocated === 64 && floating) return new Float64Array(buffer, byteOffset, count);
  throw new Error(`${allocated} bits allocated`);
}

function trimmed(pixels: Pixels, layout: Layout): Pixels {
  const shift = 32 - layout.stored;
  for (let at = 0; at < pixels.length; at += 1) {
    const value = pixels[at]! << shift;
    pixels[at] = layout.signed ? value >> shift : value >>> shift;
  }
  return pixels;
}

/** Single bits, the least significant first. */
function bits(bytes: Uint8Array, count: number): Uint8Array {
  if (bytes.byteLength * 8 < count) throw new Error("the frame is shorter than its matrix");
  return Uint8Array.from({ length: count }, (_, at) => (bytes[at >> 3]! >> (at & 7)) & 1);
}

function swap(bytes: Uint8Array, size: number): void {
  for (let at = 0; at + size <= bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}
