import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { OciError, parseRepositoryName, type Registry } from "@drayage/oci";
import { repositoryContract } from "@drayage/testkit";
import { deferred, type Deferred } from "../fixture/deferred.ts";
import { openArchive, type OpenedArchive } from "./archive.ts";
import { writeArchive } from "./archive-writer.ts";
import { createLayoutRegistry } from "./layout-registry.ts";

/** Makes an archive of a layout, or of one without content if there is none. */
async function pack(layout: string, path: string): Promise<void> {
  if (!existsSync(layout)) return writeArchive(path, async () => undefined);
  await promisify(execFile)("tar", ["-cf", path, "-C", layout, "."]);
}

const newDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), "drayage-layout-"));

repositoryContract({
  name: "image layouts in a directory",
  traits: { mountFromAnywhere: false },
  async open() {
    const directory = await newDirectory();
    return {
      registry: createLayoutRegistry(directory, { durability: "relaxed" }),
      close: () => rm(directory, { recursive: true }),
    };
  },
});

const isThere = {
  "listTags of a repository without content throws NAME_UNKNOWN":
    "an archive is there, even if nothing is in it",
};

repositoryContract({
  name: "archives that tar has made of image layouts",
  traits: { write: false, upload: false, delete: false, mount: false, list: false },
  skips: isThere,
  async open() {
    const directory = await newDirectory();
    const archives: OpenedArchive[] = [];
    const open = async (name: string): Promise<OpenedArchive> => {
      const path = join(directory, `${archives.length}.tar`);
      await pack(join(directory, name), path);
      const archive = await openArchive(path);
      archives.push(archive);
      return archive;
    };
    return {
      registry: registryOf((name) => deferred(name, () => open(name))),
      origin: createLayoutRegistry(directory, { durability: "relaxed" }),
      async close() {
        await Promise.all(archives.map((archive) => archive.close()));
        await rm(directory, { recursive: true });
      },
    };
  },
});

repositoryContract({
  name: "archives that are being written",
  traits: { upload: false, delete: false, mount: false, mountFromAnywhere: false, list: false },
  skips: {
    ...isThere,
    "putBlob with force sends a blob that is there already": "what an archive has, it cannot have lost",
  },
  async open() {
    const directory = await newDirectory();
    const targets = new Map<string, Promise<Deferred>>();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const written: Promise<void>[] = [];
    const start = (): Promise<Deferred> =>
      new Promise((resolve, reject) => {
        const fill = (target: Deferred): Promise<void> => (resolve(target), ended);
        written.push(writeArchive(join(directory, `${written.length}.tar`), fill).catch(reject));
      });
    const open = (name: string): Promise<Deferred> => {
      const target = targets.get(name) ?? start();
      targets.set(name, target);
      return target;
    };
    return {
      registry: registryOf((name) => deferred(name, () => open(name))),
      async close() {
        end();
        await Promise.all(written);
        await rm(directory, { recursive: true });
      },
    };
  },
});

function registryOf(repository: Registry["repository"]): Registry {
  return {
    repository: (name) => repository(parseRepositoryName(name)),
    listRepositories() {
      throw new OciError("UNSUPPORTED", "archives are no registry");
    },
  };
}
