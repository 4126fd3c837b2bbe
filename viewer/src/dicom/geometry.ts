/** Patient geometry (PS3.3 §C.7.6.2.1.1): x grows to the patient's left, y to the back, z to the head; millimetres. */

export type Vector = readonly [number, number, number];

export interface Plane {
  /** Unit vector along a row, that is towards growing column numbers. */
  readonly row: Vector;
  /** Unit vector along a column, that is towards growing row numbers. */
  readonly column: Vector;
  readonly normal: Vector;
  /** Centre of the first pixel. */
  readonly origin: Vector;
}

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

export const negative = (a: Vector): Vector => [-a[0], -a[1], -a[2]];

const length = (a: Vector): number => Math.sqrt(dot(a, a));

const scaled = (a: Vector, factor: number): Vector => [a[0] * factor, a[1] * factor, a[2] * factor];

const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

/**
 * The plane of an image from ImagePositionPatient (3 values) and ImageOrientationPatient (6 values).
 * Rounded direction cosines are made orthonormal; undefined when they do not span a plane.
 */
export function planeOf(position: readonly number[], orientation: readonly number[]): Plane | undefined {
  if (position.length !== 3 || orientation.length !== 6) return undefined;
  const [rx, ry, rz, cx, cy, cz] = orientation as [number, number, number, number, number, number];
  const first: Vector = [rx, ry, rz];
  if (length(first) < 0.5) return undefined;
  const row = scaled(first, 1 / length(first));
  const second: Vector = [cx, cy, cz];
  const upright = minus(second, scaled(row, dot(second, row)));
  if (length(upright) < 0.5) return undefined;
  const column = scaled(upright, 1 / length(upright));
  return { row, column, normal: cross(row, column), origin: [position[0]!, position[1]!, position[2]!] };
}

/** How far along its normal the plane lies, in millimetres. */
export const depthOf = (plane: Plane): number => dot(plane.origin, plane.normal);

/** Whether two planes look along the same line, within about ten degrees. */
export const sameOrientation = (a: Plane, b: Plane): boolean => Math.abs(dot(a.normal, b.normal)) > 0.985;

const LETTERS: ReadonlyArray<readonly [string, string]> = [
  ["L", "R"],
  ["P", "A"],
  ["H", "F"],
];

/** A second letter is written from an inclination of about six degrees on; smaller ones are how patients lie. */
const OBLIQUE = 0.1;

/** The letters of a patient direction, the strongest first and never more than two: `L`, `AH`, `RP`. */
export function letters(direction: Vector): string {
  return direction
    .map((part, axis) => ({ weight: Math.abs(part), letter: LETTERS[axis]![part > 0 ? 0 : 1] }))
    .filter((part) => part.weight > OBLIQUE)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, 2)
    .map((part) => part.letter)
    .join("");
}

export interface Marks {
  readonly top: string;
  readonly bottom: string;
  readonly left: string;
  readonly right: string;
}

/** The marks at the four sides of an image that is shown as stored, neither turned nor mirrored. */
export function marksOf(plane: Plane): Marks {
  return {
    right: letters(plane.row),
    left: letters(negative(plane.row)),
    bottom: letters(plane.column),
    top: letters(negative(plane.column)),
  };
}

const OPPOSITE: Readonly<Record<string, string>> = { L: "R", R: "L", A: "P", P: "A", H: "F", F: "H" };

/** Marks from PatientOrientation (0020,0020), the two directions that projection images carry instead of cosines. */
export function marksFromText(orientation: readonly string[]): Marks | undefined {
  const [right, bottom] = orientation;
  if (!right || !bottom || !/^[LRAPHF]{1,3}$/.test(right) || !/^[LRAPHF]{1,3}$/.test(bottom)) return undefined;
  const opposite = (letters: string): string => [...letters].map((letter) => OPPOSITE[letter]).join("");
  return { right, bottom, left: opposite(right), top: opposite(bottom) };
}
