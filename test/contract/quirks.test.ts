import { createClient, profiles, type Profile } from "@drayage/client";
import { fromStatic } from "@drayage/oci";
import { createScriptedRegistry, repositoryContract, type ScriptedAuth } from "@drayage/testkit";
import { skipsOf } from "./quirk-limits.ts";

const noneHas = {
  "putManifest stores a manifest under its sha512 digest": "no registry here takes tags from ?tag=",
  "of two conditional puts at the same time one wins":
    "no registry here knows conditions, and ours leave a gap",
};

for (const profile of Object.values(profiles)) {
  const { name, unknownCode } = profile.quirks;
  repositoryContract({
    name: `client and ${name}`,
    traits: {
      inventory: false,
      mountFromAnywhere: false,
      unknownRepository: unknownCode === "MANIFEST_UNKNOWN" ? "NAME_UNKNOWN" : "MANIFEST_UNKNOWN",
    },
    skips: { ...noneHas, ...skipsOf(profile) },
    open: () => open(profile),
  });
}

async function open({ quirks }: Profile) {
  const server = await createScriptedRegistry({
    origins: ["registry.test", "auth.test", "storage.test"],
    quirks,
    auth: authOf(quirks),
  });
  const host = server.host();
  const client = createClient({
    credentials: fromStatic(host, { username: "user", password: "secret" }),
    hosts: { [host]: { plainHttp: true, quirks } },
    network: { lookup: server.lookup },
    retry: { minDelay: 1 },
    trustedTokenServers: { [host]: [server.host("auth.test")] },
  });
  return {
    registry: client.registry(host),
    async close() {
      await client.close();
      await server.close();
    },
  };
}

function authOf({ challenge }: Profile["quirks"]): ScriptedAuth {
  const users = { user: "secret" };
  return challenge.startsWith("Bearer") ? { bearer: { users } } : { basic: users };
}
