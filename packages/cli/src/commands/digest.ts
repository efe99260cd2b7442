import { absent } from "../absence.ts";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withRepository } from "../connection.ts";
import { exitStatus } from "../exit.ts";
import { atOf, parseLocation } from "../location.ts";

export const digest: Command = defineCommand({
  summary: "Prints the digest that a tag points to.",
  operands: ["REF"],
  options: connectionOptions,
  async run({ operands: [text = ""], ...run }) {
    const reference = parseLocation(text);
    return withRepository({ ...run, reference, access: ["pull"] }, async (repository) => {
      const descriptor = await repository.headManifest(atOf(reference), { signal: run.signal });
      if (descriptor === undefined) throw absent("MANIFEST_UNKNOWN", reference);
      run.print.result(descriptor, descriptor.digest);
      return exitStatus.done;
    });
  },
});
