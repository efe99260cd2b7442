import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryContract } from "@drayage/testkit";
import { createLayoutRegistry } from "./layout-registry.ts";

repositoryContract({
  name: "image layouts in a directory",
  traits: { mountFromAnywhere: false },
  async open() {
    const directory = await mkdtemp(join(tmpdir(), "drayage-layout-"));
    return {
      registry: createLayoutRegistry(directory, { durability: "relaxed" }),
      close: () => rm(directory, { recursive: true }),
    };
  },
});
