import { describe, expect, test } from "vitest";

import { framesOf } from "../src/dicom/frames";
import type { DataSet } from "../src/dicom/json";

const value = (...Value: unknown[]) => ({ vr: "UN", Value });

const IMAGE: DataSet = {
  "00080018": value("1.2.3"),
  "00080060": value("MR"),
  "00280010": value(4),
  "00280011": value(6),
  "00280100": value(16),
  "00280101": value(12),
  "00280103": value(1),
};

describe("frames of an instance", () => {
  test("are none when it is not an image", () => {
    expect(framesOf({ "00080060": value("SR") })).toEqual([]);
  });

  test("carry the layout of the instance", () => {
    const [frame] = framesOf(IMAGE);
    expect(frame!.key).toBe("1.2.3/1");
    expect(frame!.layout).toMatchObject({ rows: 4, columns: 6, allocated: 16, stored: 12, signed: true, samples: 1, photometric: "MONOCHROME2" });
  });

  test("take position, orientation, spacing, rescale and window from their functional groups", () => {
    const group = (z: number, slope: number) => ({
      "00209113": value({ "00200032": value(0, 0, z) }),
      "00289145": value({ "00281052": value(-5), "00281053": value(slope) }),
      "00289132": value({ "00281050": value(50), "00281051": value(100), "00281055": value("NORMAL") }),
    });
    const shared = { "00209116": value({ "00200037": value(1, 0, 0, 0, 1, 0) }), "00289110": value({ "00280030": value(0.5, 0.25) }) };
    const frames = framesOf({ ...IMAGE, "00280008": value("2"), "52009229": value(shared), "52009230": value(group(7, 2), group(9, 3)) });
    expect(frames.map((frame) => frame.plane?.origin[2])).toEqual([7, 9]);
    expect(frames.map((frame) => frame.rescale.slope)).toEqual([2, 3]);
    expect(frames[1]!.spacing).toEqual({ row: 0.5, column: 0.25, kind: "patient" });
    expect(frames[1]!.windows).toEqual([{ center: 50, width: 100, label: "NORMAL" }]);
  });

  test("have a rate only when the instance names a sensible one", () => {
    expect(framesOf({ ...IMAGE, "00181063": value("40") })[0]!.rate).toBe(25);
    expect(framesOf({ ...IMAGE, "00180040": value("12") })[0]!.rate).toBe(12);
    expect(framesOf({ ...IMAGE, "00181063": value("0") })[0]!.rate).toBeUndefined();
  });
});
