import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Activity } from "../src/guard/activity";
import { ask } from "../src/guard/ask";

let listeners: Map<string, (event: { isTrusted: boolean }) => void>;

beforeEach(() => {
  vi.useFakeTimers();
  listeners = new Map();
  vi.stubGlobal("document", { addEventListener: (kind: string, act: (event: { isTrusted: boolean }) => void) => listeners.set(kind, act) });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const hand = (isTrusted = true): void => listeners.get("wheel")?.({ isTrusted });

test("somebody who is there is told once a minute, and nobody who is not", () => {
  const activity = new Activity(() => false);
  hand();
  expect(activity.take(false)).toBe(false);
  vi.advanceTimersByTime(60_000);
  expect(activity.take(false)).toBe(true);
  vi.advanceTimersByTime(600_000);
  expect(activity.take(false)).toBe(false);
  expect(activity.take(true)).toBe(false);
});

test("when it is about to lock, a hand is told at once", () => {
  const activity = new Activity(() => false);
  hand();
  expect(activity.take(true)).toBe(true);
});

test("neither a script nor a hand on a covered page counts", () => {
  let covered = false;
  const activity = new Activity(() => covered);
  hand(false);
  covered = true;
  hand();
  expect(activity.take(true)).toBe(false);
});

test.each([
  [401, "over"],
  [503, undefined],
  [500, undefined],
])("an answer of %i means %s", async (status, meaning) => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(null, { status })));
  expect(await ask("/me/alive/", false)).toBe(meaning);
});

test("no answer, and one that is no JSON, mean that nobody knows", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("offline")));
  expect(await ask("/me/alive/", false)).toBeUndefined();
  vi.stubGlobal("fetch", () => Promise.resolve(new Response("<html>")));
  expect(await ask("/me/alive/", true)).toBeUndefined();
});
