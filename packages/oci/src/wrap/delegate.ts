import type { Repository } from "../repository.ts";

/** `repository` as an object of bound functions, so that a wrapper can replace some and spread the rest. */
export function delegate(repository: Repository): Repository {
  return {
    name: repository.name,
    ...(repository.inventory === undefined ? {} : { inventory: repository.inventory }),
    ...(repository.locator === undefined ? {} : { locator: repository.locator }),
    getManifest: (at, options) => repository.getManifest(at, options),
    headManifest: (at, options) => repository.headManifest(at, options),
    putManifest: (document, options) => repository.putManifest(document, options),
    getBlob: (digest, options) => repository.getBlob(digest, options),
    headBlob: (digest, options) => repository.headBlob(digest, options),
    putBlob: (descriptor, open, options) => repository.putBlob(descriptor, open, options),
    mountBlob: (digest, options) => repository.mountBlob(digest, options),
    openUpload: (options) => repository.openUpload(options),
    listTags: (options) => repository.listTags(options),
    listReferrers: (subject, options) => repository.listReferrers(subject, options),
    deleteManifest: (digest, options) => repository.deleteManifest(digest, options),
    deleteTag: (tag, options) => repository.deleteTag(tag, options),
    deleteBlob: (digest, options) => repository.deleteBlob(digest, options),
  };
}
