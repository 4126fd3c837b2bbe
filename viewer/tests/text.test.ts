import { expect, test } from "vitest";

import { english, type Key } from "../src/text/english";
import { french } from "../src/text/french";
import { languageOf } from "../src/text/text";

const blanks = (pattern: string): string[] => [...pattern.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!).sort();

test("French has every word that English has, with the same blanks.", () => {
  expect(Object.keys(french).sort()).toEqual(Object.keys(english).sort());
  for (const key of Object.keys(english) as Key[]) {
    expect(blanks(french[key]), key).toEqual(blanks(english[key]));
    expect(french[key].trim(), key).not.toBe("");
  }
});

test("A language fills blanks, writes numbers and dates its own way, and English stands in for unknown ones.", () => {
  const fr = languageOf("fr-CA");
  expect(fr.say("measure.length", { value: "3,5 mm" })).toBe("Longueur 3,5 mm");
  expect(fr.number(1234.56, 1)).toBe("1234,6");
  expect(fr.date("20261123")).toMatch(/23 nov\. 2026/);
  expect(languageOf("de").code).toBe("en");
  expect(languageOf("en").date("")).toBe("");
});
