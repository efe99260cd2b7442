import { repositoryContract } from "@drayage/testkit";
import { createMemoryDriver } from "./drivers/memory.ts";
import { createRegistry } from "./registry.ts";

repositoryContract({
  name: "a registry in memory",
  open: async () => ({ registry: createRegistry(createMemoryDriver()) }),
});
