import { createScriptedRegistry, repositoryContract } from "@drayage/testkit";
import { createClient } from "./client.ts";

repositoryContract({
  name: "client and scripted registry",
  traits: { inventory: false, mountFromAnywhere: false, unknownRepository: "NAME_UNKNOWN" },
  async open() {
    const server = await createScriptedRegistry({
      features: { conditionalTags: true, tagParameter: true },
    });
    const client = createClient({
      hosts: { [server.host()]: { plainHttp: true } },
      network: { lookup: server.lookup },
      retry: { minDelay: 1 },
    });
    return {
      registry: client.registry(server.host()),
      async close() {
        await client.close();
        await server.close();
      },
    };
  },
});
