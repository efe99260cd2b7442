import { describe, expect, expectTypeOf, it } from "vitest";
import { defineCommand, parseCount } from "./command.ts";
import { exitStatus } from "./exit.ts";
import { createPrinter } from "./print.ts";

const print = createPrinter({
  stdout: process.stdout,
  stderr: process.stderr,
  env: {},
  json: false,
  quiet: true,
  trace: false,
});

const seen: unknown[] = [];
const command = defineCommand({
  summary: "Does nothing.",
  operands: ["SRC", "DST"],
  options: {
    plan: { type: "boolean", help: "only say so" },
    host: { type: "string", multiple: true, value: "HOST", help: "a host" },
    count: { type: "string", value: "N", help: "a number" },
  },
  async run({ values, operands }) {
    expectTypeOf(values.plan).toEqualTypeOf<boolean | undefined>();
    expectTypeOf(values.host).toEqualTypeOf<readonly string[] | undefined>();
    expectTypeOf(values.count).toEqualTypeOf<string | undefined>();
    seen.push({ values: { ...values }, operands });
    return exitStatus.done;
  },
});

const { signal } = new AbortController();
const usage = (message: string): unknown => expect.objectContaining({ code: "OPTION_INVALID", message });

describe("a command", () => {
  it("gets the operands and the values that it declares", async () => {
    const parsed = command.parse(["a", "--host", "x", "b", "--plan", "--host=y", "--json"]);
    expect(parsed).toMatchObject({ isHelp: false });
    expect(await parsed.run({ print, signal })).toBe(0);
    expect(seen).toEqual([{ values: { plan: true, host: ["x", "y"], json: true }, operands: ["a", "b"] }]);
  });

  it("is not run with operands too few or too many", () => {
    expect(() => command.parse(["a"])).toThrow(usage("DST is missing"));
    expect(() => command.parse(["a", "b", "c"])).toThrow(usage('nothing is expected after DST: "c"'));
  });

  it.each([["--unknown"], ["--host"], ["--plan=yes"]])("is not run with %s", (...args) => {
    expect(() => command.parse(["a", "b", ...args])).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });

  it("gets as many of its last operand as there are, if its usage says so", async () => {
    const open = defineCommand({
      summary: "Does nothing.",
      operands: ["SRC", "DST..."],
      options: {},
      run: async ({ operands }) => (operands.length === 3 ? exitStatus.done : exitStatus.failed),
    });
    await expect(open.parse(["a", "b", "c"]).run({ print, signal })).resolves.toBe(0);
    expect(() => open.parse(["a"])).toThrow(usage("DST... is missing"));
  });

  it("needs no operands to be explained", () => {
    expect(command.parse(["--help"]).isHelp).toBe(true);
    expect(command.parse(["-h"]).isHelp).toBe(true);
  });

  it("explains itself", () => {
    expect(command.help("nothing").join("\n")).toMatchInlineSnapshot(`
      "drayage nothing SRC DST [OPTION]...

      Does nothing.

            --plan       only say so
            --host HOST  a host
            --count N    a number
            --json       print JSON: one document, or a line per entry
        -q, --quiet      no progress and no messages besides errors
        -h, --help       print this"
    `);
  });
});

describe("a count", () => {
  it("is a positive whole number", () => {
    expect(parseCount(undefined, "count")).toBeUndefined();
    expect(parseCount("12", "count")).toBe(12);
  });

  it.each(["0", "-1", "1.5", "", "x", "1e3", "9999999999"])("is not %j", (text) => {
    expect(() => parseCount(text, "count")).toThrow(
      usage(`--count needs a positive whole number, not "${text}"`),
    );
  });
});
