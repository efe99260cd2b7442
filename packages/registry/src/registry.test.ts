import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryContract } from "@drayage/testkit";
import { createFilesystemDriver } from "./drivers/filesystem.ts";
import { createMemoryDriver } from "./drivers/memory.ts";
import { createRegistry } from "./registry.ts";

repositoryContract({
  name: "a registry in memory",
  open: async () => ({ registry: createRegistry(createMemoryDriver()) }),
});

repositoryContract({
  name: "a registry in a directory",
  open: async () => {
    const directory = await mkdtemp(join(tmpdir(), "drayage-"));
    return {
      registry: createRegistry(createFilesystemDriver(directory, { durability: "relaxed" })),
      close: () => rm(directory, { recursive: true }),
    };
  },
});
