/** One part of a multipart/related answer (PS3.18 §8.6.1.2.1). */
export interface Part {
  readonly type: string;
  readonly transferSyntax: string;
  readonly bytes: Uint8Array;
}

const EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1";

/** The first part of an answer; an answer that is not multipart is taken as the part itself. */
export function firstPart(contentType: string, body: Uint8Array): Part {
  if (!/^multipart\//i.test(contentType)) return partOf(contentType, body);
  const boundary = parameter(contentType, "boundary");
  if (boundary === "") return partOf(parameter(contentType, "type"), body);
  const opening = find(body, ascii(`--${boundary}`), 0);
  if (opening < 0) throw new Error("multipart answer without its boundary");
  const head = find(body, ascii("\r\n"), opening) + 2;
  // The header block may be empty, in which case the blank line follows the boundary at once.
  const blank = find(body, ascii("\r\n\r\n"), head - 2);
  const end = find(body, ascii(`\r\n--${boundary}`), blank + 2);
  if (blank < 0 || end < 0) throw new Error("multipart answer cut short");
  const headers = new TextDecoder("latin1").decode(body.subarray(head, blank));
  const type = /^content-type:\s*(.+)$/im.exec(headers)?.[1]?.trim() ?? parameter(contentType, "type");
  const whole = parameter(type, "transfer-syntax") === "" ? `${type}; transfer-syntax=${parameter(contentType, "transfer-syntax")}` : type;
  return partOf(whole, body.subarray(blank + 4, Math.max(end, blank + 4)));
}

function partOf(contentType: string, bytes: Uint8Array): Part {
  const named = parameter(contentType, "transfer-syntax");
  return { type: contentType.split(";")[0]!.trim().toLowerCase(), transferSyntax: named || EXPLICIT_LITTLE_ENDIAN, bytes };
}

/** A parameter of a media type, quoted or not; empty when it is absent. */
export function parameter(mediaType: string, name: string): string {
  const match = new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^;\\s]*))`, "i").exec(mediaType);
  return match?.[1] ?? match?.[2] ?? "";
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Index of `needle` in `haystack` from `start` on, or -1. */
function find(haystack: Uint8Array, needle: Uint8Array, start: number): number {
  const first = needle[0]!;
  for (let at = haystack.indexOf(first, Math.max(start, 0)); at >= 0; at = haystack.indexOf(first, at + 1)) {
    let same = 1;
    while (same < needle.length && haystack[at + same] === needle[same]) same += 1;
    if (same === needle.length) return at;
  }
  return -1;
}
