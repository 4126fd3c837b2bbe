import { english, type Key } from "./english";
import { french } from "./french";

export type { Key };

const TABLES: Readonly<Record<string, Record<Key, string>>> = { en: english, fr: french };

/** The words and the number formats of one language. */
export interface Language {
  readonly code: string;
  say(key: Key, values?: Readonly<Record<string, string | number>>): string;
  /** A number with so many decimals at most, without thousands separators; `fixed` writes all of them, also zeros. */
  number(value: number, decimals: number, fixed?: boolean): string;
  /** A DICOM date (YYYYMMDD) or an ISO date as people write it; what is neither comes back as it is. */
  date(value: string): string;
}

/** The language of a page by its code (`fr`, `fr-CA`); English for any that is not known. */
export function languageOf(code: string): Language {
  const short = code.slice(0, 2).toLowerCase();
  const known = short in TABLES ? short : "en";
  const locale = known === "en" ? "en-GB" : known;
  return {
    code: known,
    say: (key, values = {}) => filled(TABLES[known]![key], values),
    number: (value, decimals, fixed = false) =>
      new Intl.NumberFormat(locale, { maximumFractionDigits: decimals, minimumFractionDigits: fixed ? decimals : 0, useGrouping: false }).format(value),
    date: (value) => dateText(value, locale),
  };
}

const filled = (pattern: string, values: Readonly<Record<string, string | number>>): string =>
  pattern.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));

function dateText(value: string, locale: string): string {
  const match = /^(\d{4})-?(\d{2})-?(\d{2})/.exec(value);
  if (match === null) return value;
  const date = new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])));
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(date);
}
