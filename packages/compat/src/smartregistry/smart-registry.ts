import { OciError, parseDigest, type Registry, type Repository } from "@drayage/oci";
import { createRegistry, failureOf } from "@drayage/registry";
import type { Readable } from "node:stream";
import { deleteBlob, getBlob, getBlobStream, headBlob } from "./blobs.ts";
import type { LoginCredentials, IRegistryConfig } from "./config.ts";
import type { Content, RangeLike } from "./content.ts";
import { Gate, type Action } from "./gate.ts";
import {
  deleteManifest,
  deleteTag,
  getManifest,
  getReferrers,
  headManifest,
  listTags,
  putManifest,
  type Pagination,
} from "./manifests.ts";
import type {
  BlobInfo,
  BlobPart,
  Deleted,
  Failure,
  ManifestContent,
  ManifestInfo,
  ReferrerList,
  Stored,
  TagList,
  Upload,
} from "./results.ts";
import { openStorage } from "./storage.ts";
import { parseUploadId } from "./upload-id.ts";
import { appendChunk, beginUpload, cancel, finishUpload, mount, statusOf } from "./uploads.ts";

const defaultBuffered = 2 * 1024 ** 3;

/** What a call needs to be allowed. */
interface Access {
  readonly repository: string;
  readonly token: string | undefined;
  readonly action: Action;
}

/**
 * A registry behind the API of `@push.rocks/smartregistry`: every call answers with a result or with `errors`.
 *
 * @example
 * const registry = new SmartRegistry({ storage: createMemoryDriver(), serviceName, tokenRealm, loginCallback, authCallback });
 * await registry.init();
 * const result = await registry.getManifest("library/nginx", "latest", token);
 */
export class SmartRegistry {
  readonly #config: IRegistryConfig;
  readonly #gate: Gate;
  #registry: Promise<Registry> | undefined;

  constructor(config: IRegistryConfig) {
    this.#config = config;
    this.#gate = new Gate(config);
  }

  /** Opens the storage; nothing else works before. @throws OciError OPTION_INVALID, UNAVAILABLE */
  async init(): Promise<void> {
    this.#registry ??= openStorage(this.#config.storage).then((driver) => createRegistry(driver));
    try {
      await this.#registry;
    } catch (error) {
      this.#registry = undefined; // it may work later
      throw error;
    }
  }

  /** What stands behind this, to be served by `createHandler` of `@drayage/registry`. @throws OciError OPTION_INVALID before `init()` */
  async registry(): Promise<Registry> {
    if (this.#registry !== undefined) return this.#registry;
    throw new OciError("OPTION_INVALID", "the registry has not been opened", { hint: "await init() first" });
  }

  async getManifest(
    repository: string,
    reference: string,
    token?: string,
  ): Promise<ManifestContent | Failure> {
    return this.#run({ repository, token, action: "pull" }, (it) => getManifest(it, reference));
  }

  async headManifest(repository: string, reference: string, token?: string): Promise<ManifestInfo | Failure> {
    return this.#run({ repository, token, action: "pull" }, (it) => headManifest(it, reference));
  }

  /** The blob or a part of it, all at once; `getBlobStream` for large ones. */
  async getBlob(
    repository: string,
    digest: string,
    token?: string,
    range?: RangeLike,
  ): Promise<(BlobPart & { readonly data: Buffer }) | Failure> {
    const limit = this.#config.maxBufferedBytes ?? defaultBuffered;
    return this.#run({ repository, token, action: "pull" }, (it) => getBlob(it, { digest, range, limit }));
  }

  /** The same as a stream, which is read no faster than it is taken. */
  async getBlobStream(
    repository: string,
    digest: string,
    token?: string,
    range?: RangeLike,
  ): Promise<(BlobPart & { readonly stream: Readable }) | Failure> {
    return this.#run({ repository, token, action: "pull" }, (it) => getBlobStream(it, { digest, range }));
  }

  async headBlob(repository: string, digest: string, token?: string): Promise<BlobInfo | Failure> {
    return this.#run({ repository, token, action: "pull" }, (it) => headBlob(it, digest));
  }

  /** A new upload; or the blob itself, if `fromRepository` has it and the token may pull from there. */
  async initiateUpload(
    repository: string,
    token: string,
    mountDigest?: string,
    fromRepository?: string,
  ): Promise<Upload | Stored | Failure> {
    return this.#run({ repository, token, action: "push" }, async (it) => {
      const digest = mountDigest === undefined ? undefined : parseDigest(mountDigest);
      if (digest === undefined || fromRepository === undefined) return beginUpload(it);
      // What may not be pulled is not there, as far as the answer tells (S3).
      const mayPull = await this.#gate.allows({ token, repository: fromRepository, action: "pull" });
      const mounted = mayPull ? await mount(it, { digest, from: fromRepository }) : undefined;
      return mounted ?? beginUpload(it);
    });
  }

  /** @param contentRange as the header has it: `0-1023` */
  async uploadChunk(
    uploadId: string,
    data: Content,
    contentRange: string | undefined,
    token: string,
  ): Promise<Upload | Failure> {
    return this.#runUpload({ uploadId, token }, (it, id) => appendChunk(it, { id, data, contentRange }));
  }

  async completeUpload(
    uploadId: string,
    digest: string,
    token: string,
    finalData?: Content,
  ): Promise<Stored | Failure> {
    return this.#runUpload({ uploadId, token }, (it, id) =>
      finishUpload(it, { id, digest, data: finalData }),
    );
  }

  async getUploadStatus(uploadId: string, token: string): Promise<Upload | Failure> {
    return this.#runUpload({ uploadId, token }, statusOf);
  }

  async cancelUpload(uploadId: string, token: string): Promise<Deleted | Failure> {
    return this.#runUpload({ uploadId, token }, cancel);
  }

  async putManifest(
    repository: string,
    reference: string,
    manifest: Content,
    contentType: string,
    token: string,
  ): Promise<Stored | Failure> {
    const pushed = { reference, content: manifest, contentType };
    return this.#run({ repository, token, action: "push" }, (it) => putManifest(it, pushed));
  }

  async listTags(repository: string, token?: string, pagination?: Pagination): Promise<TagList | Failure> {
    return this.#run({ repository, token, action: "pull" }, (it) => listTags(it, pagination));
  }

  async getReferrers(
    repository: string,
    digest: string,
    token?: string,
    artifactType?: string,
  ): Promise<ReferrerList | Failure> {
    return this.#run({ repository, token, action: "pull" }, (it) => getReferrers(it, digest, artifactType));
  }

  async deleteManifest(repository: string, digest: string, token: string): Promise<Deleted | Failure> {
    return this.#run({ repository, token, action: "delete" }, (it) => deleteManifest(it, digest));
  }

  async deleteBlob(repository: string, digest: string, token: string): Promise<Deleted | Failure> {
    return this.#run({ repository, token, action: "delete" }, (it) => deleteBlob(it, digest));
  }

  async deleteTag(repository: string, tag: string, token: string): Promise<Deleted | Failure> {
    return this.#run({ repository, token, action: "delete" }, (it) => deleteTag(it, tag));
  }

  /** The token that the callback gives. @throws whatever the callback throws, OciError UNAUTHORIZED if it gives none */
  async login(credentials: LoginCredentials): Promise<string> {
    const token: unknown = await this.#config.loginCallback(credentials);
    if (typeof token === "string" && token !== "") return token;
    throw new OciError("UNAUTHORIZED", "the login has given no token");
  }

  /** What `WWW-Authenticate` has to say for a client that is to get a token for this. */
  getAuthChallenge(repository: string, actions: readonly string[]): string {
    return this.#gate.challenge({ repository, actions });
  }

  #runUpload<Result extends object>(
    { uploadId, token }: { readonly uploadId: string; readonly token: string },
    work: (repository: Repository, id: string) => Promise<Result>,
  ): Promise<Result | Failure> {
    return this.#answer(async (registry) => {
      const { repository, id } = parseUploadId(uploadId);
      const access = { repository, token, action: "push" } as const;
      return this.#admit(registry, access, (it) => work(it, id));
    });
  }

  #run<Result extends object>(
    access: Access,
    work: (repository: Repository) => Promise<Result>,
  ): Promise<Result | Failure> {
    return this.#answer((registry) => this.#admit(registry, access, work));
  }

  async #admit<Result>(
    registry: Registry,
    { token = "", ...access }: Access,
    work: (repository: Repository) => Promise<Result>,
  ): Promise<Result | Failure> {
    const repository = registry.repository(access.repository);
    const wanted = { token, ...access };
    return (await this.#gate.allows(wanted)) ? work(repository) : this.#gate.refusal(wanted);
  }

  async #answer<Result>(work: (registry: Registry) => Promise<Result | Failure>): Promise<Result | Failure> {
    const registry = await this.registry();
    try {
      return await work(registry);
    } catch (error) {
      const failure = failureOf(error);
      if (failure.status >= 500) this.#config.onError?.(error);
      return failure;
    }
  }
}
