import { expect, it } from "vitest";
import type { Command } from "./command.ts";
import { commands } from "./commands/index.ts";

const loaded = await Promise.all(
  Object.entries(commands).map(
    async ([name, load]): Promise<readonly [string, Command]> => [name, await load()],
  ),
);
const all = loaded.flatMap(([name, command]) => [
  [name, command] as const,
  ...Object.entries(command.verbs ?? {}).map(([verb, below]) => [`${name} ${verb}`, below] as const),
]);

it.each(all)("drayage %s --help", (name, command) => {
  expect(command.help(name).join("\n")).toMatchSnapshot();
});
