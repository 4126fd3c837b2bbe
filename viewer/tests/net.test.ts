import { describe, expect, test } from "vitest";

import { RequestError, type Use } from "../src/net/client";
import { firstPart, parameter } from "../src/net/multipart";
import { FrameQueue } from "../src/net/queue";

const body = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a multipart answer", () => {
  test("gives its part with the transfer syntax of the part", () => {
    const part = firstPart(
      'multipart/related; type="application/octet-stream"; boundary="x y"',
      body("--x y\r\nContent-Type: image/jls; transfer-syntax=1.2.840.10008.1.2.4.80\r\nContent-Location: /a\r\n\r\n\r\nDATA\r\n--x y--\r\n"),
    );
    expect(part.transferSyntax).toBe("1.2.840.10008.1.2.4.80");
    expect(part.type).toBe("image/jls");
    expect(new TextDecoder().decode(part.bytes)).toBe("\r\nDATA");
  });

  test("falls back to the syntax of the whole, then to explicit little endian", () => {
    const whole = "multipart/related; transfer-syntax=1.2.840.10008.1.2; boundary=b";
    expect(firstPart(whole, body("--b\r\nContent-Type: application/octet-stream\r\n\r\nX\r\n--b--")).transferSyntax).toBe("1.2.840.10008.1.2");
    expect(firstPart("multipart/related; boundary=b", body("--b\r\n\r\nX\r\n--b--"))).toMatchObject({ transferSyntax: "1.2.840.10008.1.2.1", bytes: body("X") });
  });

  test("that is cut short is refused", () => {
    expect(() => firstPart("multipart/related; boundary=b", body("--b\r\nContent-Type: a/b\r\n\r\nHALF"))).toThrow("cut short");
  });

  test("may be no multipart at all", () => {
    expect(firstPart("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1", body("X")).bytes).toEqual(body("X"));
  });

  test("has parameters with and without quotes", () => {
    expect(parameter('a/b; boundary="q;r"; x=1', "boundary")).toBe("q;r");
    expect(parameter("a/b; BOUNDARY=z", "boundary")).toBe("z");
  });
});

describe("the queue", () => {
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

  test("sends what is looked at first, then what lies nearest, and keeps a line free", async () => {
    const sent: string[] = [];
    const release: (() => void)[] = [];
    const queue = new FrameQueue<void>(3, () => undefined);
    const add = (key: string, use: Use, rank: number): void =>
      void queue.add(key, use, () => rank, (as) => {
        sent.push(`${key} ${as}`);
        return new Promise((resolve) => release.push(resolve));
      });
    add("far", "prefetched", 9);
    add("near", "prefetched", 1);
    add("middle", "prefetched", 5);
    await settle();
    expect(sent).toEqual(["near prefetched", "middle prefetched"]);
    add("now", "displayed", 0);
    await settle();
    expect(sent.at(-1)).toBe("now displayed");
    queue.change("far", "displayed");
    release[0]!();
    await settle();
    expect(sent.at(-1)).toBe("far displayed");
  });

  test("waits as long as it is asked to and then asks again", async () => {
    const pauses: (string | null)[] = [];
    let tries = 0;
    const queue = new FrameQueue<string>(2, (pause) => pauses.push(pause?.trouble ?? null));
    const answer = await queue.add("a", "displayed", () => 0, () => {
      tries += 1;
      return tries === 1 ? Promise.reject(new RequestError("paused", 0.02)) : Promise.resolve("there");
    });
    expect([answer, tries, pauses]).toEqual(["there", 2, ["paused", null]]);
  });

  test("does not ask again for what is damaged", async () => {
    const queue = new FrameQueue<string>(2, () => undefined);
    await expect(queue.add("a", "displayed", () => 0, () => Promise.reject(new RequestError("damaged")))).rejects.toMatchObject({ trouble: "damaged" });
  });

  test("takes back what is no longer wanted", async () => {
    const queue = new FrameQueue<string>(2, () => undefined);
    const waiting = queue.add("a", "prefetched", () => 0, () => Promise.resolve("never"));
    queue.retain(() => false);
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  });
});
