import type { RegistryClient } from "@drayage/client";
import { isOciError, parseRegistry, type CallOptions } from "@drayage/oci";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { exitStatus } from "../exit.ts";

export const ping: Command = defineCommand({
  summary: "Tells whether a registry answers, and whether it lets us in.",
  operands: ["REGISTRY"],
  notes: ["A registry that wants a login answers, too; drayage login REGISTRY is for that."],
  options: connectionOptions,
  async run({ operands: [text = ""], ...run }) {
    const { registry } = parseRegistry(text);
    const { print, signal } = run;
    return withClient({ ...run, registries: [registry] }, async (client) => {
      const start = performance.now();
      const needsLogin = await isRefused(client.registry(registry), { signal });
      const milliseconds = Math.round(performance.now() - start);
      const login = needsLogin ? "and needs a login " : "";
      print.result(
        { registry, milliseconds, needsLogin },
        `${registry} answers ${login}(${milliseconds} ms)`,
      );
      return exitStatus.done;
    });
  },
});

/** Whether the registry answers that it does not know us. */
async function isRefused(registry: RegistryClient, { signal }: CallOptions): Promise<boolean> {
  try {
    await registry.ping({ signal });
    return false;
  } catch (error) {
    if (isOciError(error, "UNAUTHORIZED")) return true;
    throw error;
  }
}
