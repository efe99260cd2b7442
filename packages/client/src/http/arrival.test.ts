import { readAll } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { Arrival } from "./arrival.ts";

const chunk = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);

/** An arrival and what it does to its connection. */
function open() {
  const calls: string[] = [];
  const metered: ("wait" | number)[] = [];
  const connection = {
    pause: () => void calls.push("pause"),
    resume: () => void calls.push("resume"),
    abort: () => void calls.push("abort"),
  };
  const meter = {
    wait: () => void metered.push("wait"),
    receive: (bytes: number) => void metered.push(bytes),
  };
  return { calls, metered, arrival: new Arrival(connection, meter) };
}

describe("a body as it arrives", () => {
  it("is read in order, whether it is there before its reader or after", async () => {
    const { arrival } = open();
    arrival.push(chunk(2, 1));
    const whole = readAll(arrival, { limit: 10 });
    await Promise.resolve();
    arrival.push(chunk(1, 2));
    arrival.end();
    expect([...(await whole)]).toEqual([1, 1, 2]);
  });

  it("is plain bytes", async () => {
    const { arrival } = open();
    arrival.push(Buffer.from("abc"));
    expect((await arrival.next()).value?.constructor).toBe(Uint8Array);
  });

  it("has no empty chunks", async () => {
    const { arrival } = open();
    arrival.push(chunk(0));
    arrival.push(chunk(1));
    expect((await arrival.next()).value).toHaveLength(1);
  });

  it("answers readers in the order in which they asked", async () => {
    const { arrival } = open();
    const reads = [arrival.next(), arrival.next(), arrival.next()];
    arrival.push(chunk(1, 1));
    arrival.push(chunk(1, 2));
    arrival.end();
    const entries = await Promise.all(reads);
    expect(entries.map(({ value }) => value?.[0])).toEqual([1, 2, undefined]);
  });

  it("waits for a reader as soon as 64 KiB are unread, and goes on when they are fewer", async () => {
    const { arrival, calls } = open();
    arrival.push(chunk(65_535));
    expect(calls).toEqual([]);
    arrival.push(chunk(1));
    expect(calls).toEqual(["pause"]);
    await arrival.next();
    expect(calls).toEqual(["pause", "resume"]);
  });

  it("does not wait for a reader that waits itself", () => {
    const { arrival, calls } = open();
    void arrival.next();
    arrival.push(chunk(1024 * 1024));
    expect(calls).toEqual([]);
  });

  it("is measured while its reader waits, and at no other time", async () => {
    const { arrival, metered } = open();
    arrival.push(chunk(1));
    await arrival.next();
    expect(metered).toEqual([1]);
    void arrival.next();
    arrival.push(chunk(0));
    arrival.push(chunk(2));
    arrival.end();
    await arrival.next();
    expect(metered).toEqual([1, "wait", 2]);
  });

  it("that fails tells who waits and who comes, and drops what is unread", async () => {
    const { arrival } = open();
    const waiting = arrival.next();
    arrival.fail("first");
    arrival.fail("second");
    await expect(waiting).rejects.toBe("first");
    await expect(arrival.next()).rejects.toBe("first");

    const { arrival: unread } = open();
    unread.push(chunk(1));
    unread.fail("first");
    await expect(unread.next()).rejects.toBe("first");
  });

  it("that has come whole cannot fail any more", async () => {
    const { arrival } = open();
    arrival.push(chunk(1));
    arrival.end();
    arrival.fail("too late");
    expect(await readAll(arrival, { limit: 10 })).toHaveLength(1);
  });
});

describe("a reader that leaves", () => {
  it("cuts the connection, also while it waits", async () => {
    const { arrival, calls } = open();
    const waiting = arrival.next();
    expect(await arrival.return()).toEqual({ done: true, value: undefined });
    await expect(waiting).rejects.toThrow("not wanted");
    expect(await arrival.next()).toEqual({ done: true, value: undefined });
    expect(calls).toEqual(["abort"]);
  });

  it("leaves a connection alone whose answer has come whole", async () => {
    const { arrival, calls } = open();
    arrival.push(chunk(1));
    arrival.end();
    await arrival.return();
    expect(calls).toEqual([]);
    expect((await arrival.next()).done).toBe(true);
  });
});
