import { parseScan, type HuffmanTable, type JpegScan } from "./jpegStream";

/**
 * Decodes a grey JPEG of twelve (or eight) bits, sequential and Huffman-coded: the transfer syntax JPEG Extended, which the
 * eight-bit codec cannot read. Returns little-endian words, or undefined when the stream is of another kind. Throws on damage.
 */
export function decodeTwelve(jpeg: Uint8Array): { words: Uint16Array; rows: number; columns: number } | undefined {
  const scan = parseScan(jpeg);
  if (scan === undefined) return undefined;
  const words = new Uint16Array(scan.rows * scan.columns);
  const bits = new Bits(scan.data);
  const across = Math.ceil(scan.columns / 8);
  const blocks = across * Math.ceil(scan.rows / 8);
  const coefficients = new Float64Array(64);
  let level = 0;
  for (let block = 0; block < blocks; block += 1) {
    if (scan.restart > 0 && block > 0 && block % scan.restart === 0) {
      bits.restart();
      level = 0;
    }
    level = readBlock(bits, scan, coefficients, level);
    place(coefficients, scan, words, (block % across) * 8, Math.floor(block / across) * 8);
  }
  return { words, rows: scan.rows, columns: scan.columns };
}

// prettier-ignore
const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/** cos((2x + 1) u π / 16), weighted so that two passes give the inverse transform. */
const COSINES = Float64Array.from({ length: 64 }, (_, at) => {
  const [x, u] = [at >> 3, at & 7];
  return (Math.cos(((2 * x + 1) * u * Math.PI) / 16) / 2) * (u === 0 ? Math.SQRT1_2 : 1);
});

/** Bits from the most significant on; a stuffed zero behind 0xFF is no data. */
class Bits {
  private at = 0;
  private held = 0;
  private left = 0;

  constructor(private readonly data: Uint8Array) {}

  take(count: number): number {
    let value = 0;
    for (let step = 0; step < count; step += 1) value = (value << 1) | this.bit();
    return value;
  }

  /** One symbol of a Huffman table. */
  symbol(table: HuffmanTable): number {
    let code = 0;
    for (let length = 1; length <= 16; length += 1) {
      code = (code << 1) | this.bit();
      if (code < table.beyond[length]!) return table.values[code + table.shift[length]!]!;
    }
    throw new Error("a code that the JPEG does not define");
  }

  /** Goes on behind the next restart marker. */
  restart(): void {
    this.left = 0;
    while (this.at < this.data.length && !(this.data[this.at] === 0xff && (this.data[this.at + 1]! & 0xf8) === 0xd0)) this.at += 1;
    this.at += 2;
  }

  private bit(): number {
    if (this.left === 0) {
      const byte = this.data[this.at];
      const ends = byte === 0xff && this.data[this.at + 1] !== 0;
      if (byte === undefined || ends) throw new Error("the JPEG ends too soon");
      this.at += byte === 0xff ? 2 : 1;
      this.held = byte;
      this.left = 8;
    }
    this.left -= 1;
    return (this.held >> this.left) & 1;
  }
}

/** A number of so many bits, of which the lower half of the range is negative (Annex F, EXTEND). */
function signed(bits: Bits, size: number): number {
  if (size === 0) return 0;
  const value = bits.take(size);
  return value < 2 ** (size - 1) ? value - 2 ** size + 1 : value;
}

/** Reads the coefficients of a block; returns its level, from which the next one is counted. */
function readBlock(bits: Bits, scan: JpegScan, out: Float64Array, before: number): number {
  out.fill(0);
  const level = before + signed(bits, bits.symbol(scan.dc));
  out[0] = level * scan.steps[0]!;
  for (let index = 1; index < 64; index += 1) {
    const symbol = bits.symbol(scan.ac);
    const size = symbol & 15;
    if (size === 0 && symbol !== 0xf0) break;
    index += symbol >> 4;
    if (index > 63) throw new Error("a block with too many coefficients");
    if (size > 0) out[ZIGZAG[index]!] = signed(bits, size) * scan.steps[index]!;
  }
  return level;
}

const rowsDone = new Float64Array(64);

/** Turns coefficients back into samples and writes those that lie within the image. */
function place(block: Float64Array, scan: JpegScan, words: Uint16Array, left: number, top: number): void {
  const most = 2 ** scan.precision - 1;
  const middle = 2 ** (scan.precision - 1);
  for (let v = 0; v < 8; v += 1) {
    for (let x = 0; x < 8; x += 1) {
      let sum = 0;
      for (let u = 0; u < 8; u += 1) sum += block[v * 8 + u]! * COSINES[x * 8 + u]!;
      rowsDone[v * 8 + x] = sum;
    }
  }
  for (let y = 0; y < 8 && top + y < scan.rows; y += 1) {
    for (let x = 0; x < 8 && left + x < scan.columns; x += 1) {
      let sum = 0;
      for (let v = 0; v < 8; v += 1) sum += rowsDone[v * 8 + x]! * COSINES[y * 8 + v]!;
      words[(top + y) * scan.columns + left + x] = Math.min(Math.max(Math.round(sum) + middle, 0), most);
    }
  }
}
