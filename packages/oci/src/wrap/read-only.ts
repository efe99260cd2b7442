import { OciError } from "../errors.ts";
import type { Registry } from "../repository.ts";
import { delegate } from "./delegate.ts";

/**
 * `registry` without any way to change it: every write throws DENIED.
 *
 * @example const published = readOnly(registry)
 */
export function readOnly(registry: Registry): Registry {
  return {
    repository(name, options) {
      const refuse = (): Promise<never> => Promise.reject(new OciError("DENIED", `${name} is read-only`));
      return {
        ...delegate(registry.repository(name, options)),
        putManifest: refuse,
        putBlob: refuse,
        mountBlob: refuse,
        openUpload: refuse,
        deleteManifest: refuse,
        deleteTag: refuse,
        deleteBlob: refuse,
      };
    },
    listRepositories: (options) => registry.listRepositories(options),
  };
}
