import { parseRepositoryName } from "../name.ts";
import type { Registry } from "../repository.ts";
import { delegate } from "./delegate.ts";

/**
 * The repositories of `registry` below `prefix`, under the names they have there; no other can be reached.
 *
 * @throws OciError NAME_INVALID
 * @example sub(registry, "team").repository("app") // team/app
 */
export function sub(registry: Registry, prefix: string): Registry {
  const root = `${parseRepositoryName(prefix)}/`;
  const inside = (name: string): string => `${root}${parseRepositoryName(name)}`;
  return {
    repository(name, options) {
      const repository = delegate(registry.repository(inside(name), options));
      return {
        ...repository,
        name,
        putBlob: (descriptor, open, { mountFrom, ...rest } = {}) =>
          repository.putBlob(
            descriptor,
            open,
            mountFrom === undefined ? rest : { ...rest, mountFrom: inside(mountFrom) },
          ),
        mountBlob: async (digest, { from, ...rest } = {}) => {
          rest.signal?.throwIfAborted();
          // Without a source the registry would look in every repository, those outside included.
          if (from === undefined) return undefined;
          return repository.mountBlob(digest, { ...rest, from: inside(from) });
        },
      };
    },
    async *listRepositories({ after, ...rest } = {}) {
      // "/" sorts before every character a name can go on with, so what is inside is one run of the list.
      const start = after === undefined ? root : inside(after);
      for await (const name of registry.listRepositories({ ...rest, after: start })) {
        if (!name.startsWith(root)) {
          if (name > root) return;
          continue;
        }
        yield name.slice(root.length);
      }
    },
  };
}
