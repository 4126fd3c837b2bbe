import type { Layout } from "../dicom/frames";

/**
 * RLE Lossless (PS3.5 Annex G): one segment per byte of a pixel and sample, most significant byte first.
 * Returns the bytes of the frame little-endian, samples of a pixel together. Throws when a segment is short.
 */
export function decodeRle(data: Uint8Array, layout: Layout): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const bytesPerSample = Math.max(layout.allocated >> 3, 1);
  const pixels = layout.rows * layout.columns;
  const size = layout.allocated === 1 ? Math.ceil(pixels / 8) : pixels;
  const segments = view.getUint32(0, true);
  if (segments !== layout.samples * bytesPerSample) throw new Error("RLE segments do not fit the image");
  const stride = layout.samples * bytesPerSample;
  const out = new Uint8Array(size * stride);
  for (let segment = 0; segment < segments; segment += 1) {
    const start = view.getUint32(4 + segment * 4, true);
    const end = segment + 1 < segments ? view.getUint32(8 + segment * 4, true) : data.length;
    const sample = Math.floor(segment / bytesPerSample);
    const byte = bytesPerSample - 1 - (segment % bytesPerSample);
    unpackBits(data.subarray(start, end), out, sample * bytesPerSample + byte, stride, size);
  }
  return out;
}

function unpackBits(packed: Uint8Array, out: Uint8Array, offset: number, stride: number, size: number): void {
  let at = 0;
  let done = 0;
  while (done < size) {
    const control = packed[at++];
    if (control === undefined) throw new Error("RLE segment is short");
    if (control === 128) continue;
    const literal = control < 128;
    const count = Math.min(literal ? control + 1 : 257 - control, size - done);
    for (let step = 0; step < count; step += 1) {
      const value = packed[literal ? at + step : at];
      if (value === undefined) throw new Error("RLE segment is short");
      out[offset + (done + step) * stride] = value;
    }
    at += literal ? control + 1 : 1;
    done += count;
  }
}
