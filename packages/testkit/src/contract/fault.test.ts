import {
  bytesOf,
  documentOf,
  MemoryRegistry,
  readAll,
  trace,
  type CallOptions,
  type Registry,
  type Repository,
} from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { createBlob } from "../fixture/blob.ts";
import { json } from "../fixture/image.ts";
import { fullTraits } from "./case.ts";
import { repositoryCases } from "./cases.ts";
import { listOf } from "./expect.ts";
import { contextOf } from "./repository.ts";

// A contract is worth what it finds: each fault breaks one rule, and the case that states the rule must notice.
type Fault = (intact: Repository) => Partial<Repository>;

const limit = { limit: 16 * 1024 * 1024 };

const faults: readonly (readonly [title: string, fault: Fault])[] = [
  [
    "a manifest is kept byte for byte, unusual white space and order of properties included",
    (intact) => ({
      getManifest: async (at, options) => {
        const { bytes, descriptor } = await intact.getManifest(at, options);
        return documentOf(json(JSON.parse(new TextDecoder().decode(bytes))), descriptor.mediaType);
      },
    }),
  ],
  [
    "headManifest of a tag that does not exist is undefined",
    (intact) => ({ headManifest: async (at, options) => (await intact.getManifest(at, options)).descriptor }),
  ],
  [
    "getManifest with ifNoneMatch throws NOT_MODIFIED while the tag is where it was",
    (intact) => ({ getManifest: (at) => intact.getManifest(at) }),
  ],
  [
    "putManifest points every tag it is given to the manifest",
    (intact) => ({
      putManifest: (document, options) =>
        intact.putManifest(document, { ...options, tags: options?.tags?.slice(0, 1) }),
    }),
  ],
  [
    "putManifest with ifMatch throws PRECONDITION_FAILED if the tag has moved, and leaves it",
    (intact) => ({
      putManifest: (document, options) => intact.putManifest(document, { ...options, ifMatch: undefined }),
    }),
  ],
  [
    "putManifest with a condition that one of several tags fails sets none of them",
    (intact) => ({
      putManifest: async (document, options = {}) => {
        for (const tag of options.tags ?? []) await intact.putManifest(document, { ...options, tags: [tag] });
        return intact.putManifest(document);
      },
    }),
  ],
  [
    "a manifest that is not its digest is refused with DIGEST_MISMATCH and not stored",
    (intact) => ({
      putManifest: ({ bytes, descriptor }, options) =>
        intact.putManifest(documentOf(bytes, descriptor.mediaType), options),
    }),
  ],
  [
    "getBlob with a range gives some bytes in the middle",
    (intact) => ({
      getBlob: (digest, options = {}) => {
        const { range } = options;
        const isBounded = range !== undefined && "start" in range && range.end !== undefined;
        return intact.getBlob(digest, isBounded ? { range: { ...range, end: range.end - 1 } } : options);
      },
    }),
  ],
  [
    "getBlob with a range gives the last bytes",
    (intact) => ({
      getBlob: (digest, { range } = {}) =>
        intact.getBlob(digest, {
          range: range && "suffix" in range ? { start: 0, end: range.suffix } : range,
        }),
    }),
  ],
  [
    "putBlob of a blob that is there says present and opens nothing",
    (intact) => ({
      putBlob: async (descriptor, open, options) => {
        await open(0);
        return intact.putBlob(descriptor, open, options);
      },
    }),
  ],
  [
    "putBlob of other bytes throws DIGEST_MISMATCH and stores nothing",
    (intact) => ({
      putBlob: async (_descriptor, open) => {
        const bytes = await readAll(await open(0), limit);
        return intact.putBlob(createBlob(bytes).descriptor, async () => bytesOf(bytes));
      },
    }),
  ],
  [
    "mountBlob looks only in the repository that is named",
    (intact) => ({ mountBlob: (digest) => intact.mountBlob(digest) }),
  ],
  [
    "an upload that was committed is gone",
    (intact) => ({ openUpload: (options) => intact.openUpload({ ...options, id: undefined }) }),
  ],
  [
    "an append at another place than the offset throws RANGE_INVALID, and the upload lives on",
    (intact) => ({
      openUpload: async (options) => {
        const session = await intact.openUpload(options);
        return {
          id: session.id,
          offset: session.offset,
          append: (bytes) => session.append(bytes),
          status: () => session.status(),
          commit: (digest) => session.commit(digest),
          cancel: () => session.cancel(),
        };
      },
    }),
  ],
  [
    "listTags gives every tag once, in byte order",
    (intact) => ({
      async *listTags(options) {
        yield* (await listOf(intact.listTags(options))).sort((a, b) => a.localeCompare(b));
      },
    }),
  ],
  ["listTags starts behind the tag it is given", (intact) => ({ listTags: () => intact.listTags() })],
  [
    "listReferrers with an artifactType gives those of that type only",
    (intact) => ({ listReferrers: (subject) => intact.listReferrers(subject) }),
  ],
  [
    "deleteTag removes the tag and neither the manifest nor its other tags",
    (intact) => ({
      deleteTag: async (tag) => {
        const found = await intact.headManifest(tag);
        return found === undefined ? "absent" : intact.deleteManifest(found.digest);
      },
    }),
  ],
  [
    "deleteTag with ifMatch throws PRECONDITION_FAILED if the tag has moved, and leaves it",
    (intact) => ({ deleteTag: (tag) => intact.deleteTag(tag) }),
  ],
  [
    "deleteManifest of a manifest that does not exist says absent",
    (intact) => ({
      deleteManifest: async (digest) => {
        await intact.deleteManifest(digest);
        return "deleted";
      },
    }),
  ],
  ...(["getManifest", "headManifest", "getBlob", "headBlob", "deleteManifest", "deleteBlob"] as const).map(
    (call) =>
      [
        `${call} rejects with the reason of a signal that is aborted, and does nothing`,
        (intact: Repository) => ({ [call]: deaf(intact)[call] }),
      ] as const,
  ),
];

describe("the repository contract", () => {
  it.each(faults)("notices a fault: %s", async (title, fault) => {
    await expect(runCase(title, faulty(fault))).rejects.toThrow(/./);
    await expect(runCase(title, new MemoryRegistry())).resolves.toBeUndefined();
  });

  it.each([
    "a manifest of one repository is not in another",
    "a blob of one repository is not in another (CVE-2024-39897)",
  ])("notices that repositories are not kept apart: %s", async (title) => {
    const registry = new MemoryRegistry();
    const mixed: Registry = {
      repository: () => registry.repository("shared"),
      listRepositories: (options) => registry.listRepositories(options),
    };
    await expect(runCase(title, mixed)).rejects.toThrow(/./);
    await expect(runCase(title, registry)).resolves.toBeUndefined();
  });
});

/** A registry whose repositories have a fault. */
function faulty(fault: Fault): Registry {
  const registry = trace(new MemoryRegistry(), () => undefined);
  return {
    repository(name, options) {
      const intact = registry.repository(name, options);
      return { ...intact, ...fault(intact) };
    },
    listRepositories: (options) => registry.listRepositories(options),
  };
}

/** `intact`, but it does not look at signals. */
function deaf(intact: Repository): Repository {
  const unsignalled = <Options extends CallOptions>(options?: Options) => ({ ...options, signal: undefined });
  return {
    ...intact,
    getManifest: (at, options) => intact.getManifest(at, unsignalled(options)),
    headManifest: (at, options) => intact.headManifest(at, unsignalled(options)),
    getBlob: (digest, options) => intact.getBlob(digest, unsignalled(options)),
    headBlob: (digest, options) => intact.headBlob(digest, unsignalled(options)),
    deleteManifest: (digest, options) => intact.deleteManifest(digest, unsignalled(options)),
    deleteBlob: (digest, options) => intact.deleteBlob(digest, unsignalled(options)),
  };
}

async function runCase(title: string, registry: Registry): Promise<void> {
  const found = Object.values(repositoryCases)
    .flat()
    .find((each) => each.title === title);
  if (found === undefined) throw new Error(`there is no case "${title}"`);
  await found.run(contextOf({ registry }, { run: "fault", number: 0, traits: fullTraits }));
}
