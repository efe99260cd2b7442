import { formatReference, OciError } from "@drayage/oci";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { exitStatus } from "../exit.ts";
import { atOf, parseLocation } from "../location.ts";

export const digest: Command = defineCommand({
  summary: "Prints the digest that a tag points to.",
  operands: ["REF"],
  options: connectionOptions,
  async run({ operands: [text = ""], values, print, signal }) {
    const reference = parseLocation(text);
    return withClient({ values, print }, async (client) => {
      const repository = client.repository(reference, { access: ["pull"] });
      const descriptor = await repository.headManifest(atOf(reference), { signal });
      if (descriptor === undefined) {
        throw new OciError("MANIFEST_UNKNOWN", `there is no ${formatReference(reference)}`);
      }
      print.result(descriptor, descriptor.digest);
      return exitStatus.done;
    });
  },
});
