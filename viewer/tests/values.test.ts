import { describe, expect, test } from "vitest";

import { modalityValue, storedValue, unitOf, valueText } from "../src/dicom/modality";
import { dragged, presetsFor, rangeOf, windowOf } from "../src/dicom/window";

describe("the modality value", () => {
  test("is slope and intercept in double precision", () => {
    expect(modalityValue(1000, { slope: 1, intercept: -1024, unit: "HU" })).toBe(-24);
    expect(modalityValue(3, { slope: 0.1, intercept: 0.2, unit: "" })).toBe(3 * 0.1 + 0.2);
  });

  test("goes through a table, whose ends hold for what lies beyond them", () => {
    const rescale = { slope: 1, intercept: 0, unit: "", table: { first: 10, values: [5, 50, 500] } };
    expect([9, 10, 11, 12, 13].map((stored) => modalityValue(stored, rescale))).toEqual([5, 5, 50, 500, 500]);
  });

  test("leads back to the stored value", () => {
    const rescale = { slope: 2, intercept: -100, unit: "" };
    expect(storedValue(modalityValue(77, rescale), rescale)).toBe(77);
  });

  test("is in Hounsfield units only where the image says so or is a CT that says nothing else", () => {
    expect(unitOf("HU", "CT", "")).toBe("HU");
    expect(unitOf("", "CT", "")).toBe("HU");
    expect(unitOf("US", "CT", "")).toBe("");
    expect(unitOf("", "MR", "")).toBe("");
    expect(unitOf("", "PT", "BQML")).toBe("BQML");
  });

  test("is written whole when it is whole, and otherwise with the decimals of the language", () => {
    expect(valueText(1034, "en")).toBe("1034");
    expect(valueText(-0.5, "en")).toBe("-0.5");
    expect(valueText(12.3456789, "fr")).toBe("12,3457");
    expect(valueText(0.000123456789, "en")).toBe("0.000123457");
  });
});

describe("a window", () => {
  test("covers what the linear function of the standard says", () => {
    expect(rangeOf({ center: 40, width: 400 })).toEqual({ lower: -160, upper: 239 });
    expect(rangeOf({ center: 0.5, width: 1 })).toEqual({ lower: 0, upper: 1 });
  });

  test("over a range covers exactly that range", () => {
    expect(rangeOf(windowOf(-1024, 3071))).toEqual({ lower: -1024, upper: 3071 });
    expect(rangeOf(windowOf(0.1, 0.3)).lower).toBeCloseTo(0.1, 12);
  });

  test("never gets narrower than can be seen", () => {
    expect(dragged({ center: 40, width: 80 }, -1e6, 0).width).toBe(1);
    expect(dragged({ center: 0.2, width: 0.4 }, -1e6, 0).width).toBeGreaterThan(0);
  });

  test("has the five usual presets for CT, and the image's own for others", () => {
    expect(presetsFor("CT", []).map((preset) => preset.name)).toEqual(["default", "soft", "lung", "bone", "brain", "liver"]);
    const own = [{ center: 1, width: 2, label: "A" }, { center: 3, width: 4, label: "B" }];
    expect(presetsFor("MR", own)).toEqual([{ name: "default" }, { name: "full" }, { name: "own", label: "B", window: { center: 3, width: 4 } }]);
  });
});
