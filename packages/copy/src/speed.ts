/** How fast bytes have passed of late. */
export interface Speed {
  /** Counts bytes that have just passed. */
  add(bytes: number): void;
  /** In bytes per second; `undefined` while it is too early to say. */
  rate(): number | undefined;
}

/** In milliseconds: how far back it looks, how fine it looks, and how long it must have looked. */
const span = { window: 10_000, step: 250, least: 1000 } as const;

/** A speed since now; what it keeps does not grow. */
export function createSpeed(now: () => number): Speed {
  const marks = [{ time: now(), total: 0 }];
  let total = 0;
  return {
    add(bytes) {
      total += bytes;
      const time = now();
      if (time - (marks.at(-1)?.time ?? 0) < span.step) return;
      marks.push({ time, total });
      // The first mark is the last one that is outside of the window, so that the window is always filled.
      while ((marks[1]?.time ?? time) <= time - span.window) marks.shift();
    },
    rate() {
      const time = now();
      const since = marks.findLast((mark) => mark.time <= time - span.window) ?? marks[0];
      if (since === undefined || time - since.time < span.least) return undefined;
      return ((total - since.total) / (time - since.time)) * 1000;
    },
  };
}
