import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storageDriverContract } from "@drayage/testkit";
import { createFilesystemDriver } from "./filesystem.ts";
import { createMemoryDriver } from "./memory.ts";

storageDriverContract({ name: "memory", open: async () => ({ driver: createMemoryDriver() }) });

for (const durability of ["strict", "relaxed"] as const) {
  storageDriverContract({
    name: `a directory, ${durability}`,
    async open() {
      const directory = await mkdtemp(join(tmpdir(), "drayage-"));
      const create = () => createFilesystemDriver(directory, { durability });
      return {
        driver: create(),
        reopen: async () => create(),
        close: () => rm(directory, { recursive: true }),
      };
    },
  });
}
