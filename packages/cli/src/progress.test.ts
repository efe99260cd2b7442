import type { CopyEvent, CopyPlan } from "@drayage/copy";
import { createBlob } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { createProgress } from "./progress.ts";

const [large, small] = [5000, 400].map((size) => createBlob({ size }).descriptor);
if (large === undefined || small === undefined) throw new Error("there are two blobs");

const plan: CopyPlan = { root: large, tags: [], stages: [], present: [], foreign: [], blobs: [large, small] };

/** What is written while `events` happen, one every `pace` milliseconds. */
function shown(
  events: readonly CopyEvent[],
  pace: number,
  terminal: { isTTY?: boolean; columns?: number; rows?: number },
) {
  let time = 0;
  let text = "";
  const stream = { ...terminal, write: (more: string) => void (text += more) };
  const progress = createProgress(plan, { stream, now: () => time });
  for (const event of events) {
    time += pace;
    progress.add(event);
  }
  progress.end();
  return text;
}

const events: readonly CopyEvent[] = [
  { kind: "blob-started", blob: large },
  { kind: "blob-bytes", blob: large, offset: 2500, length: 2500 },
  { kind: "blob-done", blob: large, result: "uploaded" },
  { kind: "blob-started", blob: small },
  { kind: "blob-done", blob: small, result: "present" },
];

describe("progress", () => {
  it("is a plain line every five seconds where there is no terminal", () => {
    expect(shown(events, 2500, {})).toBe(
      "0 of 2 blobs, 2.5 kB of 5.4 kB, 500 B/s, 6 s left\n1 of 2 blobs, 5.0 kB of 5.4 kB, 250 B/s, 2 s left\n",
    );
  });

  it("is nothing when it is over before", () => {
    expect(shown(events, 10, {})).toBe("");
    expect(shown(events, 10, { isTTY: true })).toBe("");
  });

  it("on a terminal is drawn over itself, and gone at the end", () => {
    const digest = large.digest.slice(0, 19);
    const erased = (lines: number) => `\u001b[${lines}A\u001b[J`;
    expect(shown(events.slice(0, 3), 100, { isTTY: true })).toBe(
      [
        `${digest}       0 B of 5.0 kB\n0 of 2 blobs, 0 B of 5.4 kB\n`,
        `${digest}    2.5 kB of 5.0 kB\n0 of 2 blobs, 2.5 kB of 5.4 kB\n`,
        `1 of 2 blobs, 5.0 kB of 5.4 kB\n`,
      ].join(erased(2)) + erased(1),
    );
  });

  it("counts a blob once that is sent twice", () => {
    const [started, bytes, done] = events.slice(0, 3);
    const again = [started, bytes, done].flatMap((event) => event ?? []);
    expect(
      shown([...again, ...again], 5000, {})
        .split("\n")
        .slice(2, 6),
    ).toEqual([
      "1 of 2 blobs, 5.0 kB of 5.4 kB, 167 B/s, 3 s left",
      "0 of 2 blobs, 0 B of 5.4 kB, 0 B/s",
      "0 of 2 blobs, 2.5 kB of 5.4 kB, 167 B/s, 18 s left",
      "1 of 2 blobs, 5.0 kB of 5.4 kB, 125 B/s, 4 s left",
    ]);
  });

  it("never has more lines than the terminal", () => {
    const both = [events[0], events[3]].flatMap((event) => event ?? []);
    expect(shown(both, 100, { isTTY: true, rows: 3 }).split("\n").at(-2)).toBe("0 of 2 blobs, 0 B of 5.4 kB");
    expect(shown(both, 100, { isTTY: true, rows: 3 })).not.toContain(small.digest.slice(0, 19));
  });

  it("never has lines that a narrow terminal would break", () => {
    const text = shown(events.slice(0, 1), 100, { isTTY: true, columns: 12 });
    expect(text.split("\n").slice(0, 2)).toEqual([large.digest.slice(0, 11), "0 of 2 blob"]);
  });
});
