import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withClient, withRepository } from "../connection.ts";
import { exitStatus } from "../exit.ts";
import { parseLocal, withLocal } from "../local.ts";
import { parsePlace } from "../location.ts";

export const ls: Command = defineCommand({
  summary: "Lists the repositories of a registry, or the tags of a repository.",
  notes: ["Tags are listed of oci:DIR, oci-archive:FILE and docker-archive:FILE, too."],
  operands: ["REGISTRY[/REPOSITORY]"],
  options: connectionOptions,
  async run({ operands: [text = ""], ...run }) {
    const { print, signal } = run;
    const local = parseLocal(text);
    if (local !== undefined) {
      return withLocal(local, { signal }, async (layout) => {
        for await (const tag of layout.listTags({ signal })) print.result({ tag }, tag);
        return exitStatus.done;
      });
    }
    const place = parsePlace(text);
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
