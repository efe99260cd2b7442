import { describe, expect, it } from "vitest";
import { defineGroup } from "./command-group.ts";
import { defineCommand } from "./command.ts";
import { exitStatus } from "./exit.ts";

const eat = defineCommand({
  summary: "Eats.",
  operands: [],
  options: {},
  run: async () => exitStatus.done,
});
const group = defineGroup({ summary: "Deals with food.", verbs: { eat, "wash-up": eat } });

describe("a group of commands", () => {
  it("explains which there are", () => {
    expect(group.parse(["--json", "-h"]).isHelp).toBe(true);
    expect(group.help("food").join("\n")).toMatchInlineSnapshot(`
      "drayage food VERB ...

      Deals with food.

        eat      Eats.
        wash-up  Eats.

      drayage food VERB --help tells more."
    `);
  });

  it.each([
    [[], "a verb is missing; there are eat, wash-up"],
    [["cook", "eat"], 'there is no verb "cook"; there are eat, wash-up'],
  ])("is none itself: %j", (args, message) => {
    expect(() => group.parse(args)).toThrow(expect.objectContaining({ code: "OPTION_INVALID", message }));
  });
});
