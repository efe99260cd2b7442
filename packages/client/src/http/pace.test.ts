import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { errorOf } from "../../fixture/scripted.ts";
import { settingsOf } from "../options.ts";
import { createPace, type Pace, type Reception, type Turn } from "./pace.ts";

const good: Reception = { isTooMuch: false };
const tooMuch = (retryAfter?: number): Reception => ({ isTooMuch: true, retryAfter });

const retry = { minDelay: 100, maxDelay: 1000, maxWait: 60_000 };

function paceOf(concurrency: number): Pace {
  return createPace(settingsOf({ concurrency, retry, now: () => Date.now() }));
}

/** Lets in as many as may come at once; the others wait on. */
async function crowd(pace: Pace, size: number): Promise<readonly Turn[]> {
  const inside: Turn[] = [];
  for (let count = 0; count < size; count++) {
    void pace.enter("other", {}).then((turn) => inside.push(turn));
  }
  await vi.advanceTimersByTimeAsync(0);
  return inside;
}

/** So many requests one after the other, all answered like this. */
async function exchange(pace: Pace, answer: Reception, count = 1): Promise<void> {
  for (let done = 0; done < count; done++) {
    const entered = pace.enter("other", {});
    await vi.runAllTimersAsync();
    const turn = await entered;
    turn.note(answer);
    turn.leave();
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the number of requests at a time", () => {
  it("is halved by a complaint, and again by the next, down to one", async () => {
    for (const [complaints, expected] of [
      [0, 8],
      [1, 4],
      [2, 2],
      [9, 1],
    ] as const) {
      const pace = paceOf(8);
      await exchange(pace, tooMuch(0), complaints);
      await vi.runAllTimersAsync();
      expect(await crowd(pace, 20)).toHaveLength(expected);
    }
  });

  it("is halved once by all who were sent off together", async () => {
    const pace = paceOf(8);
    for (const turn of await crowd(pace, 8)) {
      turn.note(tooMuch(0));
      turn.leave();
    }
    expect(await crowd(pace, 20)).toHaveLength(4);
  });

  it("grows back by one for a round of good answers, and not beyond the beginning", async () => {
    const pace = paceOf(8);
    await exchange(pace, tooMuch(0));
    await exchange(pace, good, 5);
    const round = await crowd(pace, 20);
    expect(round).toHaveLength(5);
    const rested = paceOf(3);
    await exchange(rested, good, 50);
    expect(await crowd(rested, 20)).toHaveLength(3);
  });

  it("does not grow by answers to what was sent before the complaint", async () => {
    const pace = paceOf(4);
    const [first, ...others] = await crowd(pace, 4);
    first?.note(tooMuch(0));
    first?.leave();
    for (const turn of others) {
      turn.note(good);
      turn.leave();
    }
    expect(await crowd(pace, 20)).toHaveLength(2);
  });
});

describe("a host that complains rests", () => {
  /** How long a request that comes now is kept waiting. */
  const waitOf = async (pace: Pace): Promise<number> => {
    const start = Date.now();
    const entered = pace.enter("other", {}).then((turn) => ({ turn, waited: Date.now() - start }));
    await vi.runAllTimersAsync();
    const { turn, waited } = await entered;
    turn.leave();
    return waited;
  };
  const complain = async (pace: Pace, retryAfter?: number): Promise<void> => {
    const turn = await pace.enter("other", {});
    turn.note(tooMuch(retryAfter));
    turn.leave();
  };

  it("as long as it says, from everybody", async () => {
    const pace = paceOf(8);
    await complain(pace, 5000);
    expect(await waitOf(pace)).toBe(5000);
    expect(await waitOf(pace)).toBe(0);
  });

  it("for the retries' own pauses where it does not say, doubled each time and forgotten after a good answer", async () => {
    const pace = paceOf(8);
    await complain(pace);
    expect(await waitOf(pace)).toBe(100);
    await complain(pace);
    expect(await waitOf(pace)).toBe(200);
    await exchange(pace, good);
    await complain(pace);
    expect(await waitOf(pace)).toBe(100);
    for (let count = 0; count < 9; count++) await exchange(pace, tooMuch());
    expect(await waitOf(pace)).toBe(1000);
  });

  it("but not for longer than a request would wait", async () => {
    const pace = paceOf(8);
    await complain(pace, 60_001);
    expect(await waitOf(pace)).toBe(0);
  });

  it("for longer if it says so to another one meanwhile", async () => {
    const pace = paceOf(8);
    const [one, other] = await crowd(pace, 2);
    one?.note(tooMuch(1000));
    const waited = waitOf(pace);
    other?.note(tooMuch(3000));
    expect(await waited).toBe(3000);
  });

  it("and who leaves while waiting gives the place back", async () => {
    const pace = paceOf(1);
    await complain(pace, 1000);
    const controller = new AbortController();
    const failed = errorOf(pace.enter("other", { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(10);
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await failed).toBe(reason);
    expect(await waitOf(pace)).toBe(990);
  });
});
