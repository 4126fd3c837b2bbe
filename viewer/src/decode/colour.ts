import type { Layout } from "../dicom/frames";
import type { Palette, Ramp } from "../dicom/palette";
import type { Pixels } from "./native";

/** Red, green and blue of every pixel at their own depth, from samples in any of the colour models of PS3.3 §C.7.6.3.1.2. */
export function toRgb(samples: Pixels, layout: Layout): Pixels {
  const together = layout.planar ? interleaved(samples, layout) : samples;
  return layout.photometric.startsWith("YBR_FULL") ? fromYbr(eightBit(together, layout.stored)) : together;
}

/** Colours of a palette image. */
export function throughPalette(samples: Pixels, palette: Palette): Uint8Array {
  const out = new Uint8Array(samples.length * 3);
  palette.forEach((ramp, channel) => {
    for (let at = 0; at < samples.length; at += 1) out[at * 3 + channel] = entry(ramp, samples[at]!);
  });
  return out;
}

/** Uncompressed YBR_FULL_422 holds two luminances, then one blue and one red difference for both (PS3.3 §C.7.6.3.1.2). */
export function expand422(bytes: Uint8Array, layout: Layout): Uint8Array {
  const pixels = layout.rows * layout.columns;
  if (bytes.length < pixels * 2) throw new Error("the frame is shorter than its matrix");
  const out = new Uint8Array(pixels * 3);
  for (let at = 0, to = 0; to < out.length; at += 4) {
    for (const luminance of [bytes[at]!, bytes[at + 1]!]) {
      out[to++] = luminance;
      out[to++] = bytes[at + 2]!;
      out[to++] = bytes[at + 3]!;
    }
  }
  return out;
}

const entry = (ramp: Ramp, value: number): number => ramp.values[Math.min(Math.max(value - ramp.first, 0), ramp.values.length - 1)]!;

function interleaved(samples: Pixels, layout: Layout): Pixels {
  const out = samples.slice() as Pixels;
  const pixels = layout.rows * layout.columns;
  for (let channel = 0; channel < layout.samples; channel += 1) {
    for (let at = 0; at < pixels; at += 1) out[at * layout.samples + channel] = samples[channel * pixels + at]!;
  }
  return out;
}

/** Samples of so many bits as bytes, which is what screens show. */
export function eightBit(samples: Pixels, stored: number): Uint8Array {
  if (stored <= 8) return samples instanceof Uint8Array ? samples : Uint8Array.from(samples);
  const shift = stored - 8;
  return Uint8Array.from(samples as Uint32Array, (value) => value >>> shift);
}

function fromYbr(bytes: Uint8Array): Uint8Array {
  const out = new Uint8ClampedArray(bytes.length);
  for (let at = 0; at < bytes.length; at += 3) {
    const y = bytes[at]!;
    const blue = bytes[at + 1]! - 128;
    const red = bytes[at + 2]! - 128;
    out[at] = y + 1.402 * red;
    out[at + 1] = y - (0.114 * 1.772 * blue + 0.299 * 1.402 * red) / 0.587;
    out[at + 2] = y + 1.772 * blue;
  }
  return new Uint8Array(out.buffer);
}
