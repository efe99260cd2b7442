import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryRegistry, type Registry, type StorageDriver } from "@drayage/oci";
import {
  createFilesystemDriver,
  createHandler,
  createMemoryDriver,
  createRegistry,
  listen,
} from "@drayage/registry";
import { conformanceContract, type OpenedConformance } from "@drayage/testkit";

/** One server for each registry. */
async function serve(
  registries: readonly Registry[],
  close: () => Promise<void> = async () => undefined,
): Promise<OpenedConformance> {
  const servers = await Promise.all(registries.map((registry) => listen(createHandler(registry))));
  return {
    urls: servers.map(({ url }) => url),
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      await close();
    },
  };
}

/** Storage that several registries of one process can stand on, as those of several machines do elsewhere. */
function shared(driver: StorageDriver): StorageDriver {
  return { ...driver, exclusive: false };
}

conformanceContract({
  name: "a registry in memory",
  open: () => serve([createRegistry(createMemoryDriver())]),
});

conformanceContract({
  name: "two instances over one storage, in turn",
  async open() {
    const driver = shared(createMemoryDriver());
    return serve([createRegistry(driver), createRegistry(driver)]);
  },
});

conformanceContract({
  name: "a registry in a directory",
  async open() {
    const directory = await mkdtemp(join(tmpdir(), "drayage-conformance-"));
    const driver = createFilesystemDriver(directory, { durability: "relaxed" });
    return serve([createRegistry(driver)], () => rm(directory, { recursive: true }));
  },
});

conformanceContract({ name: "MemoryRegistry", open: () => serve([new MemoryRegistry()]) });
