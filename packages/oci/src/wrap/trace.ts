import type { Registry, Repository } from "../repository.ts";
import { delegate } from "./delegate.ts";

/** One call of a repository that has ended. */
export interface CallEvent {
  readonly repository: string;
  readonly call: Exclude<keyof Repository, "name" | "inventory" | "locator">;
  /** What was asked for: a tag, a digest, or nothing for a list of all. */
  readonly subject?: string | undefined;
  readonly milliseconds: number;
  /** What it threw, if it did. */
  readonly error?: unknown;
}

export interface TraceOptions {
  /** The time in milliseconds. */
  readonly now?: (() => number) | undefined;
}

/**
 * `registry`, with every call of its repositories reported to `sink` when it has ended.
 *
 * @example trace(registry, (event) => console.error(event.call, event.subject))
 */
export function trace(
  registry: Registry,
  sink: (event: CallEvent) => void,
  options: TraceOptions = {},
): Registry {
  const { now = () => performance.now() } = options;
  return {
    repository(name, access) {
      const repository = delegate(registry.repository(name, access));
      const begin = (call: CallEvent["call"], subject?: string) => {
        const start = now();
        const event = () => ({ repository: name, call, subject, milliseconds: now() - start });
        return (outcome: { error?: unknown }) => sink({ ...event(), ...outcome });
      };
      const once = async <Result>(
        call: CallEvent["call"],
        subject: string | undefined,
        run: () => Promise<Result>,
      ) => {
        const end = begin(call, subject);
        try {
          const result = await run();
          end({});
          return result;
        } catch (error) {
          end({ error });
          throw error;
        }
      };
      async function* each<Item>(
        call: CallEvent["call"],
        subject: string | undefined,
        list: AsyncIterable<Item>,
      ) {
        const end = begin(call, subject);
        let outcome = {};
        try {
          yield* list;
        } catch (error) {
          outcome = { error };
          throw error;
        } finally {
          end(outcome); // also when the reader stops early
        }
      }
      return {
        ...repository,
        getManifest: (at, o) => once("getManifest", at, () => repository.getManifest(at, o)),
        headManifest: (at, o) => once("headManifest", at, () => repository.headManifest(at, o)),
        putManifest: (document, o) =>
          once("putManifest", document.descriptor.digest, () => repository.putManifest(document, o)),
        getBlob: (digest, o) => once("getBlob", digest, () => repository.getBlob(digest, o)),
        headBlob: (digest, o) => once("headBlob", digest, () => repository.headBlob(digest, o)),
        putBlob: (blob, open, o) => once("putBlob", blob.digest, () => repository.putBlob(blob, open, o)),
        mountBlob: (digest, o) => once("mountBlob", digest, () => repository.mountBlob(digest, o)),
        openUpload: (o) => once("openUpload", o?.id, () => repository.openUpload(o)),
        listTags: (o) => each("listTags", undefined, repository.listTags(o)),
        listReferrers: (subject, o) => each("listReferrers", subject, repository.listReferrers(subject, o)),
        deleteManifest: (digest, o) =>
          once("deleteManifest", digest, () => repository.deleteManifest(digest, o)),
        deleteTag: (tag, o) => once("deleteTag", tag, () => repository.deleteTag(tag, o)),
        deleteBlob: (digest, o) => once("deleteBlob", digest, () => repository.deleteBlob(digest, o)),
      };
    },
    listRepositories: (o) => registry.listRepositories(o),
  };
}
