import { expect, test } from "vitest";

import { planeOf } from "../src/dicom/geometry";
import { ordered, outward, type Sortable } from "../src/dicom/order";

const slice = (instanceNumber: number, position: number[] | undefined, orientation = [1, 0, 0, 0, 1, 0]): Sortable => ({
  instanceNumber,
  frame: 1,
  sop: `1.${instanceNumber}`,
  plane: position === undefined ? undefined : planeOf(position, orientation),
});

const numbers = (slices: Sortable[]): number[] => ordered(slices).map((one) => one.instanceNumber);

test("Axial slices run from head to feet, whatever their numbers say.", () => {
  expect(numbers([slice(1, [0, 0, 5]), slice(2, [0, 0, 20]), slice(3, [0, 0, -7])])).toEqual([2, 1, 3]);
});

test("Tilted slices are ordered along their normal, not along an axis.", () => {
  const tilted = [1, 0, 0, 0, Math.SQRT1_2, Math.SQRT1_2];
  const along = (distance: number): number[] => [0, -distance * Math.SQRT1_2 + 100, distance * Math.SQRT1_2 + 100];
  expect(numbers([slice(1, along(3), tilted), slice(2, along(9), tilted), slice(3, along(6), tilted)])).toEqual([2, 3, 1]);
});

test("Coronal slices run from front to back.", () => {
  const coronal = [1, 0, 0, 0, 0, -1];
  expect(numbers([slice(1, [0, 30, 0], coronal), slice(2, [0, -10, 0], coronal), slice(3, [0, 10, 0], coronal)])).toEqual([2, 3, 1]);
});

test("A position that comes again belongs to a later round.", () => {
  const phases = [slice(1, [0, 0, 0]), slice(2, [0, 0, 5]), slice(3, [0, 0, 0]), slice(4, [0, 0, 5])];
  expect(numbers(phases)).toEqual([2, 1, 4, 3]);
});

test("Stacks of different directions in one series follow one another.", () => {
  const sagittal = [0, 1, 0, 0, 0, -1];
  const mixed = [slice(1, [0, 0, 0]), slice(2, [10, 0, 0], sagittal), slice(3, [0, 0, 10]), slice(4, [0, 0, 0], sagittal)];
  expect(numbers(mixed)).toEqual([3, 1, 2, 4]);
});

test("Without geometry the instance number and the frame decide.", () => {
  const frames = [3, 1, 2].map((frame) => ({ ...slice(7, undefined), frame }));
  expect(ordered([...frames, { ...slice(2, undefined), frame: 1 }]).map((one) => [one.instanceNumber, one.frame])).toEqual([
    [2, 1],
    [7, 1],
    [7, 2],
    [7, 3],
  ]);
});

test("One slice without a position makes the whole series go by number.", () => {
  expect(numbers([slice(3, [0, 0, 9]), slice(1, undefined), slice(2, [0, 0, 1])])).toEqual([1, 2, 3]);
});

test("Images that all lie in one place keep the order of their numbers.", () => {
  expect(numbers([slice(3, [0, 0, 0]), slice(1, [0, 0, 0]), slice(2, [0, 0, 0])])).toEqual([1, 2, 3]);
});

test("Fetching ahead goes outward and names every image once.", () => {
  expect(outward(2, 6)).toEqual([2, 3, 1, 4, 0, 5]);
  expect(outward(0, 3)).toEqual([0, 1, 2]);
  expect(outward(0, 0)).toEqual([]);
});
