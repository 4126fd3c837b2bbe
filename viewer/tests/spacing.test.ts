import { expect, test } from "vitest";

import type { DataSet } from "../src/dicom/json";
import { lengthOf, NO_SPACING, spacingOf } from "../src/dicom/spacing";

const decimals = (...Value: (number | string)[]) => ({ vr: "DS", Value });

test("A length with unequal spacing uses the first value down and the second across.", () => {
  const spacing = spacingOf(undefined, { "00280030": decimals("2.0", "0.5") });
  expect(spacing).toEqual({ row: 2, column: 0.5, kind: "patient" });
  expect(lengthOf([0, 0], [30, 0], spacing)).toBe(15);
  expect(lengthOf([0, 0], [0, 30], spacing)).toBe(60);
  expect(lengthOf([10, 10], [16, 12], spacing)).toBe(5);
});

test("The functional group of a frame goes before the instance.", () => {
  expect(spacingOf({ "00280030": decimals(3, 3) }, { "00280030": decimals(1, 1) }).row).toBe(3);
});

test("ImagerPixelSpacing counts at the detector only, and PixelSpacing goes before it.", () => {
  const instance: DataSet = { "00181164": decimals(0.15, 0.15) };
  expect(spacingOf(undefined, instance).kind).toBe("detector");
  expect(spacingOf(undefined, { ...instance, "00280030": decimals(0.1, 0.1) }).kind).toBe("patient");
});

test("Without spacing a length is in pixels, even where an aspect ratio stretches the picture.", () => {
  expect(spacingOf(undefined, {})).toEqual(NO_SPACING);
  const stretched = spacingOf(undefined, { "00280034": { vr: "IS", Value: [2, 1] } });
  expect(stretched).toEqual({ row: 2, column: 1, kind: "none" });
  expect(lengthOf([0, 0], [3, 4], stretched)).toBe(5);
});

test("Nonsense is no spacing.", () => {
  expect(spacingOf(undefined, { "00280030": decimals(0, 0) }).kind).toBe("none");
  expect(spacingOf(undefined, { "00280030": decimals("abc", "1") }).kind).toBe("none");
});

test("One ultrasound region in centimetres measures; two do not.", () => {
  const number = (value: number) => ({ vr: "US", Value: [value] });
  const region = { "00186024": number(3), "00186026": number(3), "0018602C": number(0.02), "0018602E": number(0.03) };
  expect(spacingOf(undefined, { "00186011": { vr: "SQ", Value: [region] } })).toEqual({ row: 0.3, column: 0.2, kind: "patient" });
  expect(spacingOf(undefined, { "00186011": { vr: "SQ", Value: [region, region] } }).kind).toBe("none");
});
