import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  OciError,
  parseRepositoryName,
  type ListOptions,
  type Registry,
  type Repository,
} from "@drayage/oci";
import { LayoutDirectory, type DirectoryOptions } from "./directory.ts";
import { ifPresent } from "./disk.ts";
import { LayoutRepository } from "./layout.ts";

/** What a layout calls its own files, so that no repository below it can be called that. */
const reserved = ["blobs", "index.json", "oci-layout"];

/**
 * A directory of image layouts as a registry: the repository `team/app` is the layout in `team/app` below it.
 *
 * @example const registry = createLayoutRegistry("backup"); const app = registry.repository("team/app")
 */
export function createLayoutRegistry(directory: string, options: DirectoryOptions = {}): Registry {
  return new LayoutRegistry(directory, options);
}

class LayoutRegistry implements Registry {
  readonly #root: string;
  readonly #options: DirectoryOptions;

  constructor(root: string, options: DirectoryOptions) {
    this.#root = root;
    this.#options = options;
  }

  repository(name: string): Repository {
    return new LayoutRepository(name, this.#directory(name), async (other) => this.#directory(other));
  }

  async *listRepositories({ after, signal }: ListOptions = {}): AsyncGenerator<string, void, undefined> {
    signal?.throwIfAborted();
    const names = await this.#names();
    for (const name of names.toSorted((a, b) => (a < b ? -1 : 1))) {
      signal?.throwIfAborted();
      if (after === undefined || name > after) yield name;
    }
  }

  #directory(name: string): LayoutDirectory {
    const parts = parseRepositoryName(name).split("/");
    if (parts.some((part) => reserved.includes(part))) {
      throw new OciError("NAME_INVALID", `no repository of a layout can be called "${name}"`);
    }
    const parents = parts.map((_, index) => join(this.#root, ...parts.slice(0, index + 1)));
    return new LayoutDirectory(join(this.#root, ...parts), parents, this.#options);
  }

  /** The names of all layouts below the root; symbolic links are not followed. */
  async #names(): Promise<readonly string[]> {
    const found: string[] = [];
    const queue = [""];
    for (const name of queue) {
      const entries: readonly Dirent[] =
        (await ifPresent(readdir(join(this.#root, name), { withFileTypes: true }))) ?? [];
      if (name !== "" && entries.some((entry) => entry.name === "index.json")) found.push(name);
      const below = entries.filter((entry) => entry.isDirectory() && isComponent(entry.name));
      queue.push(...below.map((entry) => (name === "" ? entry.name : `${name}/${entry.name}`)));
    }
    return found;
  }
}

function isComponent(name: string): boolean {
  return !name.startsWith(".") && !reserved.includes(name);
}
