import { expect, test } from "vitest";

import { decode } from "../src/decode/decode";
import type { Layout } from "../src/dicom/frames";

const LAYOUT: Layout = { rows: 1, columns: 2, samples: 3, photometric: "YBR_FULL_422", planar: false, allocated: 8, stored: 8, signed: false, floating: false, wordy: false };
const UNCOMPRESSED = "1.2.840.10008.1.2.1";

const decoded = async (layout: Layout, ...bytes: number[]) =>
  decode({ bytes: Uint8Array.from(bytes), syntax: UNCOMPRESSED, layout, table: undefined, palette: undefined });

test("Halved chrominance is spread, whole chrominance of a decompressed frame is taken as it is.", async () => {
  expect([...(await decoded(LAYOUT, 50, 60, 128, 128))!.pixels]).toEqual([50, 50, 50, 60, 60, 60]);
  expect([...(await decoded(LAYOUT, 50, 128, 128, 60, 128, 128))!.pixels]).toEqual([50, 50, 50, 60, 60, 60]);
});

test("A transfer syntax without a codec is left to the server.", async () => {
  const job = { bytes: Uint8Array.of(1, 2), syntax: "1.2.840.10008.1.2.4.110", layout: LAYOUT, table: undefined, palette: undefined };
  expect(await decode(job)).toBeUndefined();
});

test("A modality table is applied to the pixels, and their extremes are those of its values.", async () => {
  const layout = { ...LAYOUT, samples: 1, photometric: "MONOCHROME2" };
  const job = { bytes: Uint8Array.of(0, 2), syntax: UNCOMPRESSED, layout, table: { first: 0, values: [7, 70, 700] }, palette: undefined };
  expect(await decode(job)).toMatchObject({ pixels: Int32Array.of(7, 700), color: false, min: 7, max: 700 });
});
