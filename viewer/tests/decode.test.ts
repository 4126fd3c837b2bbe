import { describe, expect, test } from "vitest";

import { expand422, throughPalette, toRgb } from "../src/decode/colour";
import { decodeTwelve } from "../src/decode/jpegTwelve";
import { withColourStated } from "../src/decode/jpegColour";
import { nativePixels } from "../src/decode/native";
import { decodeRle } from "../src/decode/rle";
import type { Layout } from "../src/dicom/frames";

const LAYOUT: Layout = { rows: 1, columns: 4, samples: 1, photometric: "MONOCHROME2", planar: false, allocated: 16, stored: 16, signed: false, floating: false, wordy: false };

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe("uncompressed frames", () => {
  test("of twelve signed bits lose what stands above them", () => {
    const layout = { ...LAYOUT, stored: 12, signed: true };
    expect([...nativePixels(bytes(0xff, 0xff, 0xff, 0x0f, 0xff, 0x07, 0x01, 0xf0), layout)]).toEqual([-1, -1, 2047, 1]);
  });

  test("in big endian are turned", () => {
    expect([...nativePixels(bytes(1, 2, 3, 4, 5, 6, 7, 8), LAYOUT, true)]).toEqual([0x0102, 0x0304, 0x0506, 0x0708]);
  });

  test("at an odd place in the answer are read all the same", () => {
    expect([...nativePixels(bytes(9, 1, 0, 2, 0, 3, 0, 4, 0).subarray(1), LAYOUT)]).toEqual([1, 2, 3, 4]);
  });

  test("of single bits begin with the least significant", () => {
    expect([...nativePixels(bytes(0b0101), { ...LAYOUT, allocated: 1, stored: 1 })]).toEqual([1, 0, 1, 0]);
  });

  test("that are short are refused", () => {
    expect(() => nativePixels(bytes(1, 2, 3), LAYOUT)).toThrow("shorter");
  });
});

describe("run-length coded frames", () => {
  const header = (...offsets: number[]): number[] => {
    const all = [offsets.length, ...offsets, ...Array<number>(15 - offsets.length).fill(0)];
    return all.flatMap((value) => [value & 255, value >> 8, 0, 0]);
  };

  test("put the most significant byte first", () => {
    const data = bytes(...header(64, 68), 0xfd, 1, 128, 128, 3, 10, 20, 30, 40, 0);
    expect([...nativePixels(decodeRle(data, LAYOUT), LAYOUT)]).toEqual([266, 276, 286, 296]);
  });

  test("that end too soon are refused", () => {
    expect(() => decodeRle(bytes(...header(64, 66), 0xfd, 1, 3, 10), LAYOUT)).toThrow("short");
    expect(() => decodeRle(bytes(...header(64), 0xfd, 1), LAYOUT)).toThrow("segments");
  });
});

describe("colours", () => {
  const rgb: Layout = { ...LAYOUT, columns: 2, samples: 3, photometric: "RGB", allocated: 8, stored: 8 };

  test("in planes are put together", () => {
    expect([...toRgb(bytes(1, 4, 2, 5, 3, 6), { ...rgb, planar: true })]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("in luminance and chrominance become red, green and blue", () => {
    expect([...toRgb(bytes(76, 85, 255, 255, 128, 128), { ...rgb, photometric: "YBR_FULL" })]).toEqual([254, 0, 0, 255, 255, 255]);
  });

  test("with halved chrominance are spread over both pixels", () => {
    expect([...expand422(bytes(10, 20, 30, 40), rgb)]).toEqual([10, 30, 40, 20, 30, 40]);
  });

  test("of a palette are clamped to its ends", () => {
    const ramp = { first: 1, values: bytes(100, 200) };
    expect([...throughPalette(bytes(0, 2, 9), [ramp, ramp, { first: 0, values: bytes(7) }])]).toEqual([100, 100, 7, 200, 200, 7, 200, 200, 7]);
  });
});

describe("twelve-bit JPEG", () => {
  /** One block of one component: quantisation by 4, one DC code of length 1 for size 5, one AC code of length 1 for "end of block". */
  const stream = (precision: number, ...data: number[]): Uint8Array =>
    bytes(
      ...[0xff, 0xd8, 0xff, 0xdb, 0, 67, 0, ...Array<number>(64).fill(4)],
      ...[0xff, 0xc1, 0, 11, precision, 0, 2, 0, 3, 1, 1, 0x11, 0],
      ...[0xff, 0xc4, 0, 20, 0x00, 1, ...Array<number>(15).fill(0), 5],
      ...[0xff, 0xc4, 0, 20, 0x10, 1, ...Array<number>(15).fill(0), 0],
      ...[0xff, 0xda, 0, 8, 1, 1, 0x00, 0, 63, 0, ...data, 0xff, 0xd9],
    );

  test("of one even block is its level around the middle of the range", () => {
    // Bits: 0 (size 5), 10100 (20), 0 (end of block); 20 * 4 / 8 = 10 above 2048.
    const decoded = decodeTwelve(stream(12, 0b01010001))!;
    expect([decoded.rows, decoded.columns]).toEqual([2, 3]);
    expect([...decoded.words]).toEqual(Array(6).fill(2058));
  });

  test("counts the lower half of a range as negative", () => {
    // Bits: 0, 01011 (11 - 31 = -20), 0.
    expect([...decodeTwelve(stream(12, 0b00101101))!.words]).toEqual(Array(6).fill(2038));
  });

  test("that ends too soon is refused, another kind is left to others", () => {
    expect(() => decodeTwelve(stream(12))).toThrow("too soon");
    const progressive = stream(12, 0);
    progressive[progressive.indexOf(0xc1)] = 0xc2;
    expect(decodeTwelve(progressive)).toBeUndefined();
  });
});

describe("colours of a JPEG", () => {
  const plain = bytes(0xff, 0xd8, 0xff, 0xdb, 0, 3, 0, 0xff, 0xda, 0, 2);

  test("are stated where the data set says RGB and the stream says nothing", () => {
    const told = withColourStated(plain, "RGB");
    expect([...told.subarray(2, 11)]).toEqual([0xff, 0xee, 0, 14, ...new TextEncoder().encode("Adobe")]);
    expect([...told.subarray(18)]).toEqual([...plain.subarray(2)]);
  });

  test("are left alone where the stream or the data set speaks of them", () => {
    expect(withColourStated(plain, "YBR_FULL_422")).toBe(plain);
    const told = withColourStated(plain, "RGB");
    expect(withColourStated(told, "RGB")).toBe(told);
  });
});
