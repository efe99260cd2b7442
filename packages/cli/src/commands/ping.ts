import { parseRegistry } from "@drayage/oci";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { exitStatus } from "../exit.ts";

export const ping: Command = defineCommand({
  summary: "Tells whether a registry answers.",
  operands: ["REGISTRY"],
  options: connectionOptions,
  async run({ operands: [text = ""], values, print, signal }) {
    const { registry } = parseRegistry(text);
    return withClient({ values, print }, async (client) => {
      const start = performance.now();
      await client.registry(registry).ping({ signal });
      const milliseconds = Math.round(performance.now() - start);
      print.result({ registry, milliseconds }, `${registry} answers (${milliseconds} ms)`);
      return exitStatus.done;
    });
  },
});
