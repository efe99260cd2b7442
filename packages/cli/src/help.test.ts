import { expect, it } from "vitest";
import { commands } from "./commands/index.ts";

it.each(Object.entries(commands))("drayage %s --help", async (name, load) => {
  const command = await load();
  expect(command.help(name).join("\n")).toMatchSnapshot();
});
