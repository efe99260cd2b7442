import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withClient, withRepository } from "../connection.ts";
import { exitStatus } from "../exit.ts";
import { parsePlace } from "../location.ts";

export const ls: Command = defineCommand({
  summary: "Lists the repositories of a registry, or the tags of a repository.",
  operands: ["REGISTRY[/REPOSITORY]"],
  options: connectionOptions,
  async run({ operands: [text = ""], ...run }) {
    const place = parsePlace(text);
    const { print, signal } = run;
    if ("registry" in place) {
      const { registry } = place;
      return withClient({ ...run, registries: [registry] }, async (client) => {
        for await (const repository of client.registry(registry).listRepositories({ signal })) {
          print.result({ repository }, repository);
        }
        return exitStatus.done;
      });
    }
    return withRepository({ ...run, reference: place.reference, access: ["pull"] }, async (repository) => {
      for await (const tag of repository.listTags({ signal })) print.result({ tag }, tag);
      return exitStatus.done;
    });
  },
});
