/** The modality transform (PS3.3 §C.11.1): from the number stored for a pixel to the quantity it stands for. */

export interface Rescale {
  readonly slope: number;
  readonly intercept: number;
  /** Unit as it is written behind a value; empty when it is not known. */
  readonly unit: string;
  /** Lookup table instead of slope and intercept; stored values below `first` take the first entry, above the end the last. */
  readonly table?: { readonly first: number; readonly values: readonly number[] };
}

export const IDENTITY: Rescale = { slope: 1, intercept: 0, unit: "" };

/** Modality value of a stored value, in double precision so that it equals what a reference implementation computes. */
export function modalityValue(stored: number, rescale: Rescale): number {
  const { table } = rescale;
  if (table !== undefined) {
    const index = Math.min(Math.max(stored - table.first, 0), table.values.length - 1);
    return table.values[index] ?? stored;
  }
  return stored * rescale.slope + rescale.intercept;
}

/** The stored value that has this modality value; a table is already applied to the pixels that are drawn, so it is its own inverse. */
export function storedValue(value: number, rescale: Rescale): number {
  return rescale.table !== undefined || rescale.slope === 0 ? value : (value - rescale.intercept) / rescale.slope;
}

/** Hounsfield units when RescaleType says so, or when a CT image does not say anything else. */
export function unitOf(rescaleType: string, modality: string, petUnits: string): string {
  if (rescaleType === "HU" || (modality === "CT" && rescaleType === "")) return "HU";
  if (modality === "PT" && petUnits !== "") return petUnits;
  return rescaleType === "US" ? "" : rescaleType;
}

/** A value for reading: whole numbers whole, others with as many decimals as tell neighbours apart. */
export function valueText(value: number, language: string): string {
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  const options = size >= 1 ? { maximumFractionDigits: 4 } : { maximumSignificantDigits: 6 };
  return new Intl.NumberFormat(language, { ...options, useGrouping: false }).format(value);
}
