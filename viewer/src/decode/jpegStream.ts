/** The parts of a sequential JPEG with one component (ISO/IEC 10918-1 Annex B), which is what twelve-bit images are. */

export interface JpegScan {
  readonly precision: number;
  readonly rows: number;
  readonly columns: number;
  /** Quantisation steps in zigzag order. */
  readonly steps: Uint16Array;
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
  /** Blocks between two restart markers; 0 means that there are none. */
  readonly restart: number;
  /** The entropy-coded data and whatever follows it. */
  readonly data: Uint8Array;
}

/** For every code length from 1 to 16 the first code beyond those of that length, and where its values are found. */
export interface HuffmanTable {
  readonly beyond: Int32Array;
  readonly shift: Int32Array;
  readonly values: Uint8Array;
}

/** Reads up to the image data; undefined when the JPEG is of another kind (progressive, arithmetic, several components). */
export function parseScan(jpeg: Uint8Array): JpegScan | undefined {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  const steps = new Map<number, Uint16Array>();
  const tables = new Map<number, HuffmanTable>();
  let frame: { precision: number; rows: number; columns: number; step: number } | undefined;
  let restart = 0;
  for (let at = 2; at + 4 <= jpeg.length && jpeg[at] === 0xff; ) {
    const marker = jpeg[at + 1]!;
    const end = at + 2 + view.getUint16(at + 2);
    const segment = jpeg.subarray(at + 4, end);
    if (marker === 0xdb) readSteps(segment, steps);
    else if (marker === 0xc4) readTables(segment, tables);
    else if (marker === 0xdd) restart = view.getUint16(at + 4);
    else if (marker === 0xc0 || marker === 0xc1) {
      if (segment[5] !== 1) return undefined;
      frame = { precision: segment[0]!, rows: view.getUint16(at + 5), columns: view.getUint16(at + 7), step: segment[8]! };
    } else if (marker >= 0xc2 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc) return undefined;
    else if (marker === 0xda) {
      const step = frame && steps.get(frame.step);
      const dc = tables.get(segment[2]! >> 4);
      const ac = tables.get(0x10 | (segment[2]! & 15));
      return frame && step && dc && ac && { ...frame, steps: step, dc, ac, restart, data: jpeg.subarray(end) };
    }
    at = end;
  }
  return undefined;
}

function readSteps(segment: Uint8Array, steps: Map<number, Uint16Array>): void {
  for (let at = 0; at < segment.length; ) {
    const wide = segment[at]! >> 4 !== 0;
    const table = new Uint16Array(64);
    for (let index = 0; index < 64; index += 1) {
      const from = at + 1 + index * (wide ? 2 : 1);
      table[index] = wide ? segment[from]! * 256 + segment[from + 1]! : segment[from]!;
    }
    steps.set(segment[at]! & 15, table);
    at += 1 + (wide ? 128 : 64);
  }
}

/** Canonical codes (Annex C): codes of one length follow one another, the next length goes on at twice the next code. */
function readTables(segment: Uint8Array, tables: Map<number, HuffmanTable>): void {
  for (let at = 0; at + 17 <= segment.length; ) {
    const beyond = new Int32Array(17);
    const shift = new Int32Array(17);
    let code = 0;
    let count = 0;
    for (let length = 1; length <= 16; length += 1) {
      const here = segment[at + length]!;
      shift[length] = count - code;
      code += here;
      count += here;
      beyond[length] = code;
      code <<= 1;
    }
    tables.set(segment[at]!, { beyond, shift, values: segment.slice(at + 17, at + 17 + count) });
    at += 17 + count;
  }
}
