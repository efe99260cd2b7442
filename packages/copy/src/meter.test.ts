import { createBlob } from "@drayage/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { createMeter, type CopyMeter } from "./meter.ts";

const large = createBlob({ size: 10_000 }).descriptor;
const small = createBlob({ size: 400 }).descriptor;

let time: number;
let meter: CopyMeter;

beforeEach(() => {
  time = 0;
  meter = createMeter({ blobs: [small, large] }, { now: () => time });
});

/** So many more bytes of the large blob. */
function pass(length: number, offset: number): void {
  meter.add({ kind: "blob-bytes", blob: large, offset, length });
}

describe("a meter", () => {
  it("knows nothing of the pace at first", () => {
    expect(meter.read()).toEqual({
      blobs: { done: 0, total: 2 },
      bytes: { done: 0, total: 10_400 },
      underWay: [],
    });
  });

  it("tells rate and remaining time of each blob and of all", () => {
    time = 1000;
    meter.add({ kind: "blob-started", blob: large });
    time = 2000;
    pass(2000, 2000);
    expect(meter.read()).toEqual({
      blobs: { done: 0, total: 2 },
      bytes: { done: 2000, total: 10_400 },
      rate: 1000,
      remaining: 8400,
      underWay: [{ blob: large, bytes: 2000, rate: 2000, remaining: 4000 }],
    });
  });

  it("counts what the target had as done, but not as moved", () => {
    meter.add({ kind: "blob-started", blob: large });
    meter.add({ kind: "blob-done", blob: large, result: "present" });
    time = 5000;
    expect(meter.read()).toMatchObject({
      blobs: { done: 1, total: 2 },
      bytes: { done: 10_000, total: 10_400 },
      rate: 0,
      underWay: [],
    });
    expect(meter.read().remaining).toBeUndefined();
  });

  it("does not count as moved what an earlier process has sent", () => {
    meter.add({ kind: "blob-started", blob: large });
    pass(1000, 9000);
    time = 1000;
    expect(meter.read()).toMatchObject({ bytes: { done: 9000 }, rate: 1000 });
    expect(meter.read().underWay).toEqual([{ blob: large, bytes: 9000, rate: 1000, remaining: 1000 }]);
  });

  it("goes back when a blob is sent once more", () => {
    meter.add({ kind: "blob-started", blob: large });
    pass(10_000, 10_000);
    meter.add({ kind: "blob-done", blob: large, result: "uploaded" });
    meter.add({ kind: "blob-started", blob: large });
    pass(100, 100);
    expect(meter.read()).toMatchObject({ blobs: { done: 0 }, bytes: { done: 100 } });
  });

  it("forgets how fast it was ten seconds ago", () => {
    meter.add({ kind: "blob-started", blob: large });
    for (let second = 1; second <= 30; second++) {
      time = second * 1000;
      pass(second <= 10 ? 500 : 100, 1);
    }
    expect(meter.read().rate).toBe(100);
    time = 60_000;
    expect(meter.read().rate).toBe(0);
  });
});
