import { expect, it } from "vitest";
import { createRateMeter } from "./min-rate.ts";
import { errorOf } from "../../fixture/scripted.ts";

/** An answer that is held against `minRate`, and the clock it is held against. */
function answerWith(minRate: { readonly bytes: number; readonly window: number }) {
  let time = 5000;
  const meter = createRateMeter({ minRate, now: () => time });
  return {
    pass: (milliseconds: number): void => void (time += milliseconds),
    wait: (): void => meter.wait(),
    come: (bytes: number): void => meter.receive(bytes),
    /** Waits `milliseconds` for `bytes`. */
    take(this: void, bytes: number, milliseconds: number): void {
      meter.wait();
      time += milliseconds;
      meter.receive(bytes);
    },
  };
}

const usual = { bytes: 1000, window: 10_000 };
const tooSlow = { code: "TIMEOUT", retryable: true };

it("what comes more slowly than the least is a TIMEOUT, at the end of the window", async () => {
  const answer = answerWith(usual);
  answer.take(500, 9999);
  expect(await errorOf(() => answer.take(499, 1))).toMatchObject(tooSlow);
});

it("what comes as fast as it has to passes, one window after the other", () => {
  const answer = answerWith(usual);
  for (const _window of [1, 2, 3]) expect(() => answer.take(10_000, 10_000)).not.toThrow();
});

it("a window that was fast does not make up for the next one", async () => {
  const answer = answerWith(usual);
  answer.take(1_000_000, 10_000);
  expect(await errorOf(() => answer.take(9999, 10_000))).toMatchObject(tooSlow);
});

it("time in which nobody waits for bytes does not count", () => {
  const answer = answerWith(usual);
  for (const _chunk of [1, 2, 3]) {
    expect(() => answer.take(10, 1)).not.toThrow();
    answer.pass(60_000);
  }
});

it("what comes while nobody waits counts for the time in which somebody does", () => {
  const answer = answerWith(usual);
  answer.come(10_000);
  expect(() => answer.take(1, 10_000)).not.toThrow();
});

it("who begins to wait again has waited since the first time", async () => {
  const answer = answerWith(usual);
  answer.wait();
  answer.pass(9999);
  expect(await errorOf(() => answer.take(1, 1))).toMatchObject(tooSlow);
});

it("with 0 nothing is too slow", () => {
  const answer = answerWith({ bytes: 0, window: 10 });
  expect(() => answer.take(1, 1_000_000)).not.toThrow();
});
