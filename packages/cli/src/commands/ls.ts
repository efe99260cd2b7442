import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { exitStatus } from "../exit.ts";
import { parsePlace } from "../location.ts";

export const ls: Command = defineCommand({
  summary: "Lists the repositories of a registry, or the tags of a repository.",
  operands: ["REGISTRY[/REPOSITORY]"],
  options: connectionOptions,
  async run({ operands: [text = ""], values, print, signal }) {
    const place = parsePlace(text);
    return withClient({ values, print }, async (client) => {
      if ("registry" in place) {
        const registry = client.registry(place.registry);
        for await (const repository of registry.listRepositories({ signal })) {
          print.result({ repository }, repository);
        }
        return exitStatus.done;
      }
      const repository = client.repository(place.reference, { access: ["pull"] });
      for await (const tag of repository.listTags({ signal })) print.result({ tag }, tag);
      return exitStatus.done;
    });
  },
});
