/** An Adobe marker that says "no transform": the three components are red, green and blue (ISO/IEC 10918-6 §6.5.3). */
const ADOBE_RGB = Uint8Array.of(0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 101, 0, 0, 0, 0, 0);

/**
 * A JPEG without a marker about its colours is taken for luminance and chrominance by every decoder. Where the data set
 * says RGB and the stream says nothing, the stream is told.
 */
export function withColourStated(jpeg: Uint8Array, photometric: string): Uint8Array {
  if (photometric !== "RGB" || statesColour(jpeg)) return jpeg;
  const told = new Uint8Array(jpeg.length + ADOBE_RGB.length);
  told.set(jpeg.subarray(0, 2));
  told.set(ADOBE_RGB, 2);
  told.set(jpeg.subarray(2), 2 + ADOBE_RGB.length);
  return told;
}

/** Whether a JFIF marker or a whole Adobe marker stands before the image. */
function statesColour(jpeg: Uint8Array): boolean {
  for (let at = 2; at + 4 < jpeg.length && jpeg[at] === 0xff; ) {
    const marker = jpeg[at + 1]!;
    const length = jpeg[at + 2]! * 256 + jpeg[at + 3]!;
    const name = String.fromCharCode(...jpeg.subarray(at + 4, at + 9));
    if (marker === 0xe0 && name.startsWith("JFIF")) return true;
    if (marker === 0xee && name === "Adobe" && length >= 14) return true;
    if (marker === 0xda || length < 2) return false;
    at += 2 + length;
  }
  return false;
}
