import { formatReference, parseTag } from "@drayage/oci";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withRepository } from "../connection.ts";
import { exitStatus } from "../exit.ts";
import { atOf, parseLocation } from "../location.ts";

export const tag: Command = defineCommand({
  summary: "Lets more tags of the same repository point to a manifest.",
  operands: ["REF", "NEWTAG..."],
  notes: ["Nothing but the manifest is sent. A tag that is there already is moved."],
  options: connectionOptions,
  async run({ operands: [text = "", ...names], ...run }) {
    const reference = parseLocation(text);
    const tags = names.map(parseTag);
    const { print, signal } = run;
    return withRepository({ ...run, reference, access: ["pull", "push"] }, async (repository) => {
      const document = await repository.getManifest(atOf(reference), { signal });
      const { digest } = await repository.putManifest(document, { tags, signal });
      for (const name of tags) {
        print.result({ tag: name, digest }, formatReference({ ...reference, tag: name, digest }));
      }
      return exitStatus.done;
    });
  },
});
