import { words } from "./frames";
import { binary, numbers, type DataSet } from "./json";

/** One colour of a palette: eight-bit entries, and the pixel value of the first of them. */
export interface Ramp {
  readonly first: number;
  readonly values: Uint8Array;
}

export type Palette = readonly [red: Ramp, green: Ramp, blue: Ramp];

type Fetch = (uri: string) => Promise<Uint8Array>;

/**
 * The palette of a PALETTE COLOR image (PS3.3 §C.7.6.3.1.5), plain or segmented; bulk data is fetched where it is not inline.
 * Throws when a table is missing: an image in wrong colours would be worse than none.
 */
export async function paletteOf(instance: DataSet, fetchBytes: Fetch): Promise<Palette> {
  const ramp = async (descriptor: string, plain: string, segmented: string): Promise<Ramp> => {
    const [count, first, bits] = numbers(instance, descriptor);
    const length = count === 0 ? 65536 : (count ?? 0);
    const direct = await entries(instance, plain, length, bits ?? 16, fetchBytes);
    const values = direct ?? expanded((await entries(instance, segmented, 0, 16, fetchBytes)) ?? []);
    if (values.length === 0) throw new Error("a palette without entries");
    const shift = bits === 8 ? 0 : 8;
    return { first: first ?? 0, values: Uint8Array.from(values, (value) => value >> shift) };
  };
  return Promise.all([
    ramp("00281101", "00281201", "00281221"),
    ramp("00281102", "00281202", "00281222"),
    ramp("00281103", "00281203", "00281223"),
  ]);
}

async function entries(instance: DataSet, tag: string, length: number, bits: number, fetchBytes: Fetch): Promise<number[] | undefined> {
  const source = binary(instance, tag);
  if (source === undefined) return undefined;
  const bytes = "bytes" in source ? source.bytes : await fetchBytes(source.uri);
  // Eight-bit entries are sometimes packed two to a word and sometimes one; the length tells which.
  return bits === 8 && bytes.byteLength < length * 2 ? [...bytes] : words(bytes);
}

/** Segments (PS3.3 §C.7.9.2): 0 copies values, 1 runs linearly to a value, 2 repeats earlier segments by their byte offset. */
function expanded(data: readonly number[]): number[] {
  const out: number[] = [];
  const run = (from: number, segments: number): void => {
    let at = from;
    for (let done = 0; at < data.length && done < segments; done += 1) {
      const opcode = data[at]!;
      const count = data[at + 1]!;
      if (opcode === 0) {
        out.push(...data.slice(at + 2, at + 2 + count));
        at += 2 + count;
      } else if (opcode === 1) {
        const start = out.at(-1) ?? 0;
        const end = data[at + 2]!;
        for (let step = 1; step <= count; step += 1) out.push(Math.round(start + ((end - start) * step) / count));
        at += 3;
      } else {
        run((data[at + 2]! + data[at + 3]! * 65536) / 2, opcode === 2 ? count : 0);
        at += 4;
      }
    }
  };
  run(0, Number.POSITIVE_INFINITY);
  return out;
}
