/** Reading the DICOM JSON model (PS3.18 §F.2): every reader takes a data set and a tag and never throws on what is absent or odd. */

interface Element {
  readonly vr?: string;
  readonly Value?: readonly unknown[];
  readonly BulkDataURI?: string;
  readonly InlineBinary?: string;
}

export type DataSet = Readonly<Record<string, Element | undefined>>;

/** All values of a text-like attribute; numbers are given as text, person names by their alphabetic group. */
export function texts(dataset: DataSet, tag: string): string[] {
  return (dataset[tag]?.Value ?? []).map((value) => {
    if (typeof value === "string") return value.trim();
    if (typeof value === "number") return String(value);
    return personName(value);
  });
}

/** The first value as text, or an empty string. */
export function text(dataset: DataSet, tag: string): string {
  return texts(dataset, tag)[0] ?? "";
}

/** All values that are finite numbers; DS and IS may come as strings (PS3.18 §F.2.2). */
export function numbers(dataset: DataSet, tag: string): number[] {
  return (dataset[tag]?.Value ?? [])
    .map((value) => (typeof value === "string" && value.trim() !== "" ? Number(value) : value))
    .filter((value): value is number => typeof value === "number" && Number.isFinite(value));
}

/** The first number, or undefined. */
export function number(dataset: DataSet, tag: string): number | undefined {
  return numbers(dataset, tag)[0];
}

/** The items of a sequence; an empty list when it is absent. */
export function items(dataset: DataSet | undefined, tag: string): DataSet[] {
  return (dataset?.[tag]?.Value ?? []).filter((value): value is DataSet => typeof value === "object" && value !== null);
}

/** The first item of a sequence. */
export function item(dataset: DataSet | undefined, tag: string): DataSet | undefined {
  return items(dataset, tag)[0];
}

/** Where the bytes of a binary attribute are: inline (decoded here), behind an address, or nowhere. */
export function binary(dataset: DataSet, tag: string): { bytes: Uint8Array } | { uri: string } | undefined {
  const element = dataset[tag];
  if (element?.InlineBinary !== undefined) {
    return { bytes: Uint8Array.from(atob(element.InlineBinary), (letter) => letter.charCodeAt(0)) };
  }
  return element?.BulkDataURI === undefined ? undefined : { uri: element.BulkDataURI };
}

function personName(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  const groups = value as { Alphabetic?: string; Ideographic?: string; Phonetic?: string };
  return groups.Alphabetic ?? groups.Ideographic ?? groups.Phonetic ?? "";
}
