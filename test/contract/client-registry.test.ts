import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@drayage/client";
import { MemoryRegistry, type Registry } from "@drayage/oci";
import {
  createFilesystemDriver,
  createHandler,
  createMemoryDriver,
  createRegistry,
  listen,
} from "@drayage/registry";
import { repositoryContract, type OpenedSubject } from "@drayage/testkit";

/** `registry` as a client sees it that reaches it over HTTP. */
async function overHttp(registry: Registry): Promise<OpenedSubject> {
  const server = await listen(createHandler(registry));
  const client = createClient();
  return {
    registry: client.registry(server.host),
    async close() {
      await client.close();
      await server.close();
    },
  };
}

/** Of what the interfaces promise, what the distribution-spec has no request for. */
const traits = { inventory: false } as const;

repositoryContract({
  name: "client and handler over a registry in memory",
  traits,
  open: () => overHttp(createRegistry(createMemoryDriver())),
});

repositoryContract({
  name: "client and handler over MemoryRegistry",
  traits,
  open: () => overHttp(new MemoryRegistry()),
});

repositoryContract({
  name: "client and handler over a registry in a directory",
  traits,
  async open() {
    const directory = await mkdtemp(join(tmpdir(), "drayage-contract-"));
    const driver = createFilesystemDriver(directory, { durability: "relaxed" });
    const opened = await overHttp(createRegistry(driver));
    return {
      ...opened,
      async close() {
        await opened.close?.();
        await rm(directory, { recursive: true });
      },
    };
  },
});
