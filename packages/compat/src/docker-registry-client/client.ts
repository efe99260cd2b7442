import type { ReadableStream } from "node:stream/web";
import { createClient, type Client, type RegistryClient, type RepositoryClient } from "@drayage/client";
import {
  formatRoute,
  formatScope,
  isDigest,
  OciError,
  parseAt,
  parseDigest,
  parseScopes,
  readAll,
  type CallOptions,
  type HttpHeaders,
} from "@drayage/oci";
import { urlFromIndex, type RegistryRepo } from "@drayage/oci/migration";
import { authInfoOf, type AuthInfo } from "./auth.ts";
import { streamOf, uploadSourceOf } from "./blob.ts";
import { UploadError } from "./errors.ts";
import type {
  BlobOptions,
  BlobUploadOptions,
  DeleteManifestOptions,
  GetManifestOptions,
  ListAllTagsOptions,
  ListTagsOptions,
  LoginOptions,
  PingOptions,
  PutManifestOptions,
} from "./call-options.ts";
import { acceptOf, manifestDocumentOf, parseManifestJson, type Manifest } from "./manifest.ts";
import { actionsOf, clientOptionsOf, repoOf, type RegistryClientOpts } from "./options.ts";
import { describedBy, DockerResponse } from "./response.ts";
import { merged, tagListOf, type TagList } from "./tags.ts";
import { translated, translating } from "./translate.ts";

const pingBodyLimit = 64 * 1024;

/**
 * One repository behind the API of `@cloudydeno/docker-registry-client`.
 *
 * @example
 * const client = new RegistryClientV2({ name: "docker.io/library/alpine" });
 * const { tags } = await client.listTags();
 * await client.close();
 */
export class RegistryClientV2 implements AsyncDisposable {
  readonly version = 2 as const;
  readonly insecure: boolean;
  readonly repo: RegistryRepo;
  readonly acceptOCIManifests: boolean;
  readonly acceptManifestLists: boolean;
  readonly username: string | undefined;
  readonly scopes: readonly string[];
  readonly #password: string | undefined;
  readonly #client: Client;
  readonly #registry: RegistryClient;
  readonly #repository: RepositoryClient;
  #scope: string | undefined;

  /** @throws OciError OPTION_INVALID, REFERENCE_INVALID, NAME_INVALID */
  constructor(options: RegistryClientOpts) {
    this.repo = repoOf(options);
    this.insecure = options.insecure ?? false;
    this.acceptOCIManifests = options.acceptOCIManifests ?? true;
    this.acceptManifestLists = options.acceptManifestLists ?? false;
    this.username = options.username;
    this.#password = options.password;
    this.scopes = options.scopes ?? ["pull"];
    this.#client = createClient(clientOptionsOf(options, this.repo));
    this.#registry = this.#client.registry(this.repo.index.name);
    const access = actionsOf(this.scopes);
    this.#repository = this.#registry.repository(this.repo.remoteName, { access });
  }

  /** A getter, so that it is not printed with the client. */
  get password(): string | undefined {
    return this.#password;
  }

  /** The registry's answer to `GET /v2/`, without any credential. @throws HttpError */
  async ping({ headers, expectStatus = [200, 401, 404], signal }: PingOptions = {}): Promise<DockerResponse> {
    const resp = await this.#greet({ headers, signal });
    if (expectStatus.includes(resp.status)) return resp;
    throw await resp.dockerThrowable(`GET /v2/ answered ${resp.status}`);
  }

  /** Whether the registry speaks version 2 of the API, as all do by now. */
  async supportsV2(options: CallOptions = {}): Promise<boolean> {
    const { status, headers } = await this.#greet(options);
    const versions = (headers.get("docker-distribution-api-version") ?? "").split(/[\s,]/);
    return versions.includes("registry/2.0") || status === 200 || status === 401;
  }

  /** What the registry wants to see of us, in clear text, to be used elsewhere. @throws HttpError */
  async performLogin({ scope = this.#defaultScope(), signal }: LoginOptions = {}): Promise<AuthInfo> {
    const scopes = parseScopes(scope);
    return translating(async () => authInfoOf(await this.#registry.authorization(scopes, { signal })));
  }

  /** Fetches the token for later calls, which do so themselves otherwise. @throws HttpError */
  async login({ scope = this.#defaultScope(), ...options }: LoginOptions = {}): Promise<void> {
    if (scope === this.#scope) return;
    await this.performLogin({ ...options, scope });
    this.#scope = scope;
  }

  /** One page of tags. @throws HttpError */
  async listTags({ pageSize, startingAfter, signal }: ListTagsOptions = {}): Promise<TagList> {
    const pages = this.#tagPages({ pageSize, after: startingAfter, signal });
    const first = await pages.next();
    return first.done === true ? { name: this.repo.remoteName, tags: [] } : first.value;
  }

  /** All tags. @throws HttpError */
  async listAllTags({ pageSize, signal }: ListAllTagsOptions = {}): Promise<TagList> {
    return merged(this.#tagPages({ pageSize, signal }), this.repo.remoteName);
  }

  /** All tags, page by page. @throws HttpError */
  listTagsPaginated({ pageSize, signal }: ListAllTagsOptions = {}): AsyncGenerator<TagList, void, undefined> {
    return this.#tagPages({ pageSize, signal });
  }

  /** The manifest, verified; `resp.dockerBody()` are its bytes. @throws HttpError, BadDigestError, InvalidManifestError */
  async getManifest(options: GetManifestOptions): Promise<{ resp: DockerResponse; manifest: Manifest }> {
    const { ref, followRedirects, signal } = options;
    const accept = acceptOf({
      acceptManifestLists: options.acceptManifestLists ?? this.acceptManifestLists,
      acceptOCIManifests: options.acceptOCIManifests ?? this.acceptOCIManifests,
    });
    return translating(async () => {
      const at = parseAt(ref);
      const document = await this.#repository.getManifest(at, { accept, followRedirects, signal });
      const resp = describedBy(document.descriptor, document.bytes);
      return { resp, manifest: parseManifestJson(document) };
    });
  }

  /** Stores a manifest under a tag or by its digest. @throws UploadError */
  async putManifest(
    options: PutManifestOptions,
  ): Promise<{ digest: string | null; location: string | null }> {
    try {
      const document = manifestDocumentOf(options);
      const { digest } = document.descriptor;
      const tags = isDigest(options.ref) ? [] : [options.ref];
      await this.#repository.putManifest(document, { tags, signal: options.signal });
      const name = this.repo.remoteName;
      return { digest, location: formatRoute({ kind: "manifest", name, reference: digest }) };
    } catch (error) {
      throw uploadError("the manifest was not stored", error, options);
    }
  }

  /** Deletes a manifest by its digest, or a tag. @throws HttpError also if it is not there */
  async deleteManifest({ ref, signal }: DeleteManifestOptions): Promise<void> {
    await translating(async () => {
      const at = parseAt(ref);
      const result = isDigest(at)
        ? await this.#repository.deleteManifest(at, { signal })
        : await this.#repository.deleteTag(at, { signal });
      if (result === "absent") throw new OciError("MANIFEST_UNKNOWN", `there is no manifest ${ref}`);
    });
  }

  /** What is known of a blob; the same answer is the first and the last. @throws HttpError also if it is not there */
  async headBlob({ digest, signal }: BlobOptions): Promise<DockerResponse[]> {
    return translating(async () => {
      const descriptor = await this.#repository.headBlob(parseDigest(digest), { signal });
      if (descriptor === undefined) throw new OciError("BLOB_UNKNOWN", `there is no blob ${digest}`);
      return [describedBy(descriptor)];
    });
  }

  /**
   * A blob, whose stream errors with `BadDigestError` before its end if it is not what was asked for.
   *
   * @throws HttpError, TooManyRedirectsError
   */
  async createBlobReadStream({ digest, signal }: BlobOptions): Promise<{
    ress: DockerResponse[];
    stream: ReadableStream<Uint8Array>;
  }> {
    return translating(async () => {
      const { descriptor, body } = await this.#repository.getBlob(parseDigest(digest), { signal });
      return { ress: [describedBy(descriptor)], stream: streamOf(body) };
    });
  }

  /** Makes the blob be there; it is not sent if it is already. @throws UploadError */
  async blobUpload({ digest, stream, contentLength, signal }: BlobUploadOptions): Promise<void> {
    const source = uploadSourceOf(stream);
    try {
      const mediaType = "application/octet-stream";
      const descriptor = { mediaType, digest: parseDigest(digest), size: contentLength };
      await this.#repository.putBlob(descriptor, source.open, { signal });
    } catch (error) {
      throw uploadError("the blob was not stored", error, { signal });
    } finally {
      await source.close();
    }
  }

  /** Ends every connection; without it they end by themselves when nothing uses them. */
  async close(): Promise<void> {
    await this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #defaultScope(): string {
    return formatScope({ type: "repository", name: this.repo.remoteName, actions: this.scopes });
  }

  async #greet({ headers, signal }: PingOptions): Promise<DockerResponse> {
    const url = `${urlFromIndex(this.repo.index)}/v2/`;
    const request = { method: "GET", url, headers: Object.fromEntries(headers ?? []) } as const;
    const { status, headers: answered, body } = await this.#client.send(request, { signal });
    const bytes = await readAll(body, { limit: pingBodyLimit });
    return new DockerResponse(bytes, { status, headers: headersOf(answered) });
  }

  async *#tagPages(
    options: CallOptions & { readonly pageSize?: number | undefined; readonly after?: string | undefined },
  ): AsyncGenerator<TagList, void, undefined> {
    try {
      const pages = this.#repository.listTagPages(options);
      for await (const page of pages) yield tagListOf(page, this.repo.remoteName);
    } catch (error) {
      throw translated(error);
    }
  }
}

function headersOf(fields: HttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value = []] of Object.entries(fields)) {
    for (const line of typeof value === "string" ? [value] : value) headers.append(name, line);
  }
  return headers;
}

/** An abort stays one. */
function uploadError(problem: string, error: unknown, { signal }: CallOptions): unknown {
  if (signal?.aborted === true) return signal.reason;
  return new UploadError(problem, { cause: translated(error) });
}
