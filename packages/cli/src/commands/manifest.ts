import { OciError, parseJson } from "@drayage/oci";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { exitStatus } from "../exit.ts";
import { atOf, parseLocation } from "../location.ts";

export const manifest: Command = defineCommand({
  summary: "Prints a manifest: byte for byte, or indented on a terminal.",
  operands: ["get", "REF"],
  options: connectionOptions,
  async run({ operands: [verb = "", text = ""], values, print, signal }) {
    if (verb !== "get") throw new OciError("OPTION_INVALID", `manifest cannot "${verb}", only get`);
    const reference = parseLocation(text);
    return withClient({ values, print }, async (client) => {
      const repository = client.repository(reference, { access: ["pull"] });
      const { descriptor, bytes } = await repository.getManifest(atOf(reference), { signal });
      const content = parseJson(bytes, "MANIFEST_INVALID");
      if (values.json === true) print.result({ descriptor, manifest: content }, []);
      else if (print.isTerminal) print.result(content, JSON.stringify(content, null, 2).split("\n"));
      else print.bytes(bytes);
      return exitStatus.done;
    });
  },
});
