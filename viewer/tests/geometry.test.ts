import { describe, expect, test } from "vitest";

import { depthOf, letters, marksFromText, marksOf, planeOf, sameOrientation } from "../src/dicom/geometry";

const marks = (orientation: number[]) => marksOf(planeOf([0, 0, 0], orientation)!);

describe("orientation marks", () => {
  test("of an axial image", () => {
    expect(marks([1, 0, 0, 0, 1, 0])).toEqual({ left: "R", right: "L", top: "A", bottom: "P" });
  });

  test("of a sagittal image", () => {
    expect(marks([0, 1, 0, 0, 0, -1])).toEqual({ left: "A", right: "P", top: "H", bottom: "F" });
  });

  test("of a coronal image", () => {
    expect(marks([1, 0, 0, 0, 0, -1])).toEqual({ left: "R", right: "L", top: "H", bottom: "F" });
  });

  test("of an axial image of a prone patient", () => {
    expect(marks([-1, 0, 0, 0, -1, 0])).toEqual({ left: "L", right: "R", top: "P", bottom: "A" });
  });

  test("carry a second letter, the stronger one first, when the image is oblique", () => {
    const c = Math.cos(Math.PI / 9);
    const s = Math.sin(Math.PI / 9);
    expect(marks([1, 0, 0, 0, c, s])).toEqual({ left: "R", right: "L", top: "AF", bottom: "PH" });
  });

  test("do not carry a letter for a tilt of two degrees", () => {
    expect(letters([Math.cos(0.035), Math.sin(0.035), 0])).toBe("L");
  });

  test("never have three letters", () => {
    expect(letters([0.6, -0.55, 0.58])).toBe("LH");
  });

  test("come from PatientOrientation where there are no cosines", () => {
    expect(marksFromText(["A", "FR"])).toEqual({ right: "A", left: "P", bottom: "FR", top: "HL" });
    expect(marksFromText(["A"])).toBeUndefined();
    expect(marksFromText(["LEFT", "F"])).toBeUndefined();
  });
});

describe("a plane", () => {
  test("is made orthonormal from rounded cosines", () => {
    const plane = planeOf([1, 2, 3], [0.9999, 0.0141, 0, -0.0141, 0.9998, 0.01])!;
    expect(plane.row[0] * plane.column[0] + plane.row[1] * plane.column[1] + plane.row[2] * plane.column[2]).toBeCloseTo(0, 12);
    expect(Math.hypot(...plane.column)).toBeCloseTo(1, 12);
    expect(plane.origin).toEqual([1, 2, 3]);
  });

  test("does not come from cosines that span none", () => {
    expect(planeOf([0, 0, 0], [0, 0, 0, 0, 0, 0])).toBeUndefined();
    expect(planeOf([0, 0, 0], [1, 0, 0, 1, 0, 0])).toBeUndefined();
    expect(planeOf([0, 0], [1, 0, 0, 0, 1, 0])).toBeUndefined();
  });

  test("knows its depth and its likes", () => {
    const axial = planeOf([10, 20, 30], [1, 0, 0, 0, 1, 0])!;
    expect(depthOf(axial)).toBe(30);
    expect(sameOrientation(axial, planeOf([0, 0, 0], [-1, 0, 0, 0, 1, 0])!)).toBe(true);
    expect(sameOrientation(axial, planeOf([0, 0, 0], [0, 1, 0, 0, 0, -1])!)).toBe(false);
  });
});
