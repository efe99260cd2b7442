import { createDockerCredentialStore } from "@drayage/credentials-docker";
import { parseRegistry } from "@drayage/oci";
import { defineCommand, type Command } from "../command.ts";
import { helperOptions } from "../credentials.ts";
import { exitStatus } from "../exit.ts";

export const logout: Command = defineCommand({
  summary: "Removes the credential that login has kept.",
  operands: ["REGISTRY"],
  notes: ["It goes where login went; login --check tells whether another place still has one."],
  options: {},
  async run({ operands: [text = ""], print, signal }) {
    const { registry } = parseRegistry(text);
    const result = await createDockerCredentialStore(helperOptions()).delete(registry, { signal });
    const said = result === "deleted" ? `logged out of ${registry}` : `was not logged in to ${registry}`;
    print.result({ registry, result }, said);
    return exitStatus.done;
  },
});
