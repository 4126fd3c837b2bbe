import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { DataSet } from "../src/dicom/json";
import { lengthOf, Study, type Series } from "../src/study";

const SERIES: Series = { uid: "1.2", modality: "CT", number: 1, description: "", count: 3 };

/** A slice whose place in the body is at odds with its number where `z` says so. */
const slice = (sop: string, number: number, z: number): DataSet => ({
  "00080018": { vr: "UI", Value: [sop] },
  "0020000D": { vr: "UI", Value: ["1"] },
  "0020000E": { vr: "UI", Value: ["1.2"] },
  "00200013": { vr: "IS", Value: [number] },
  "00200032": { vr: "DS", Value: [0, 0, z] },
  "00200037": { vr: "DS", Value: [1, 0, 0, 0, 1, 0] },
  "00280010": { vr: "US", Value: [2] },
  "00280011": { vr: "US", Value: [2] },
  "00280100": { vr: "US", Value: [16] },
});
const SLICES = [slice("9.1", 1, 10), slice("9.2", 2, 90), slice("9.3", 3, 50)];

let asked: string[];
let answerSeries: (answer: Response) => void;
let failing: (path: string) => boolean;

const json = (value: unknown): Response => new Response(JSON.stringify(value));

async function answer(url: string): Promise<Response> {
  asked.push(url);
  if (failing(url)) return new Response("", { status: 404 });
  if (url.endsWith("/series/1.2/metadata")) return new Promise((resolve) => (answerSeries = resolve));
  const offset = /\/instances\?limit=1&offset=(\d)$/.exec(url);
  if (offset !== null) return json([SLICES[Number(offset[1])]]);
  return json(SLICES.filter((one) => url.includes(`/instances/${String(one["00080018"]!.Value![0])}/metadata`)));
}

beforeEach(() => {
  [asked, failing] = [[], () => false];
  vi.stubGlobal("fetch", answer);
});

afterEach(() => vi.unstubAllGlobals());

const study = (single = true): Study => new Study("1", "/dicom-web", () => undefined, single);

test("a series whose metadata keep waiting begins with the end that is read first, and knows its length", async () => {
  const begun = await study().begin(SERIES);
  // Number 1 lies at the feet, number 3 nearer to the head, where reading begins.
  expect(begun.frames.map((frame) => frame.key)).toEqual(["9.3/1"]);
  expect(lengthOf(begun)).toBe(3);
});

test("the rest is in reading order, and holds the image that is on the screen as it is", async () => {
  const begun = await study().begin(SERIES);
  answerSeries(json(SLICES));
  const whole = await begun.rest!;
  expect(whole.frames.map((frame) => frame.key)).toEqual(["9.2/1", "9.3/1", "9.1/1"]);
  expect(whole.frames[1]).toBe(begun.frames[0]);
  expect([whole.rest, lengthOf(whole)]).toEqual([undefined, 3]);
});

test("a series whose metadata are ready is asked for nothing else", async () => {
  const made = study().begin(SERIES);
  await Promise.resolve();
  answerSeries(json(SLICES));
  expect([(await made).rest, asked.length]).toEqual([undefined, 1]);
});

test("what fails on the way to the first image waits for the metadata", async () => {
  failing = (url) => url.includes("/instances");
  const made = study().begin(SERIES);
  await vi.waitFor(() => expect(asked.length).toBe(3));
  answerSeries(json(SLICES));
  expect((await made).frames.length).toBe(3);
});

test("metadata that fail afterwards are heard of, and asked for again the next time", async () => {
  const one = study();
  const begun = await one.begin(SERIES);
  answerSeries(new Response("", { status: 500 }));
  await expect(begun.rest).rejects.toMatchObject({ trouble: "failed" });
  asked = [];
  await one.begin(SERIES);
  expect(asked[0]).toContain("/series/1.2/metadata");
});

test("a shared link asks about no single instance", async () => {
  const made = study(false).begin(SERIES);
  await new Promise((resolve) => setTimeout(resolve, 200));
  answerSeries(json(SLICES));
  expect([(await made).frames.length, asked.length]).toEqual([3, 1]);
});
