import { inspect } from "node:util";
import { expect, test } from "vitest";
import { bareCause } from "./index.ts";

function shown(error: unknown): string {
  return inspect(bareCause(error), { depth: 9, showHidden: true });
}

test("a bare cause keeps the name and the first line", () => {
  const error = new TypeError("cannot connect\nsecond line");
  expect(bareCause(error)).toMatchObject({ name: "TypeError", message: "cannot connect" });
});

test("a bare cause drops what is attached to the error", () => {
  const request = { headers: { authorization: "canary" } };
  const error = Object.assign(new Error("refused", { cause: new Error("canary") }), { request });
  expect(shown(error)).not.toContain("canary");
});

test("a bare cause does not quote what could not be parsed", () => {
  let error: unknown;
  try {
    JSON.parse("canary");
  } catch (thrown) {
    error = thrown;
  }
  expect(String(error)).toContain("canary");
  expect(shown(error)).not.toContain("canary");
});

test("a bare cause is short, whatever was thrown", () => {
  expect(bareCause("x".repeat(10_000)).message).toHaveLength(400);
  expect(bareCause("\u001b[2J").message).toBe("\\u001b[2J");
});
