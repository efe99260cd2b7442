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
import { openS3Driver } from "@drayage/registry-s3";
import { conformanceContract, type OpenedConformance } from "@drayage/testkit";
import { startS3 } from "../src/s3-process.ts";

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

/** So many registries over one bucket, in a store that is a process of its own. */
async function serveBucket(instances: number): Promise<OpenedConformance> {
  const s3 = await startS3();
  const drivers = await Promise.all(Array.from({ length: instances }, () => openS3Driver(s3.place)));
  return serve(
    drivers.map((driver) => createRegistry(driver)),
    async () => {
      for (const driver of drivers) driver.close();
      await s3.kill();
    },
  );
}

conformanceContract({ name: "a registry over a bucket", open: () => serveBucket(1) });

conformanceContract({ name: "two instances over one bucket, in turn", open: () => serveBucket(2) });

conformanceContract({ name: "MemoryRegistry", open: () => serve([new MemoryRegistry()]) });
