import { OciError } from "./errors.ts";
import { mediaType } from "./media-type.ts";
import {
  dockerHub,
  isLoopback,
  parseReference,
  parseRegistry,
  type Reference,
  type Scheme,
} from "./reference.ts";

// The names of @cloudydeno/docker-registry-client, over parseReference and parseRegistry, for those who come from it.

export const DEFAULT_INDEX_NAME: string = dockerHub.registry;
export const DEFAULT_INDEX_URL: string = `https://${dockerHub.apiHost}`;
export const DEFAULT_LOGIN_SERVERNAME: string = dockerHub.loginServer;
export const DEFAULT_TAG = "latest";
export const MEDIATYPE_MANIFEST_V2: string = mediaType.dockerManifest;
export const MEDIATYPE_MANIFEST_LIST_V2: string = mediaType.dockerManifestList;
export const MEDIATYPE_OCI_MANIFEST_V1: string = mediaType.ociManifest;
export const MEDIATYPE_OCI_MANIFEST_INDEX_V1: string = mediaType.ociIndex;

/** A registry. */
export interface RegistryIndex {
  readonly name: string;
  /** Whether it is Docker Hub. */
  readonly official: boolean;
  readonly scheme: Scheme;
}

/** A repository. */
export interface RegistryRepo {
  readonly index: RegistryIndex;
  /** Whether it is one of Docker's own: on Docker Hub, in `library/`. */
  readonly official: boolean;
  /** As the registry's API calls it. */
  readonly remoteName: string;
  /** Without `docker.io/` and `library/`. */
  readonly localName: string;
  /** With `docker.io/`, but without `library/`, which `formatReference` writes. */
  readonly canonicalName: string;
}

/** A repository with a tag, a digest or both. */
export interface RegistryImage extends RegistryRepo {
  /** `latest` if neither was written; `null` beside a digest. */
  readonly tag: string | null;
  readonly digest: string | null;
  readonly canonicalRef: string;
}

/**
 * The registry that `text` names; Docker Hub without one.
 *
 * @throws OciError REFERENCE_INVALID
 */
export function parseIndex(text: string = DEFAULT_INDEX_NAME): RegistryIndex {
  const { registry, official, scheme } = parseRegistry(text);
  return { name: registry, official, scheme };
}

/**
 * The repository that `text` names.
 *
 * @param defaultIndex the registry of names without one; Docker Hub by default
 * @throws OciError REFERENCE_INVALID, NAME_INVALID, also if there is a tag or digest
 */
export function parseRepo(text: string, defaultIndex?: string | RegistryIndex): RegistryRepo {
  const reference = parse(text, defaultIndex);
  if (reference.tag === undefined && reference.digest === undefined) return repoOf(reference);
  throw new OciError("REFERENCE_INVALID", `a repository has neither tag nor digest: "${text}"`);
}

/**
 * The image that `text` names.
 *
 * @param defaultIndex the registry of names without one; Docker Hub by default
 * @throws OciError REFERENCE_INVALID, NAME_INVALID, DIGEST_INVALID
 */
export function parseRepoAndRef(text: string, defaultIndex?: string | RegistryIndex): RegistryImage {
  const reference = parse(text, defaultIndex);
  const repo = repoOf(reference);
  const digest = reference.digest ?? null;
  const tag = reference.tag ?? (digest === null ? DEFAULT_TAG : null);
  const canonicalRef = `${repo.canonicalName}${tag === null ? "" : `:${tag}`}${digest === null ? "" : `@${digest}`}`;
  return { ...repo, tag, digest, canonicalRef };
}

/** Another name of {@link parseRepoAndRef}. */
export const parseRepoAndTag: typeof parseRepoAndRef = parseRepoAndRef;

function parse(text: string, defaultIndex: string | RegistryIndex | undefined): Reference {
  const defaultRegistry =
    typeof defaultIndex === "object" ? `${defaultIndex.scheme}://${defaultIndex.name}` : defaultIndex;
  return parseReference(text, { allowScheme: true, defaultRegistry });
}

function repoOf({ registry, repository, scheme, official }: Reference): RegistryRepo {
  const isHub = registry === dockerHub.registry;
  const shortName = official ? repository.slice(`${dockerHub.namespace}/`.length) : repository;
  return {
    index: { name: registry, official: isHub, scheme },
    official,
    remoteName: repository,
    localName: isHub ? shortName : `${registry}/${repository}`,
    canonicalName: `${registry}/${shortName}`,
  };
}

/**
 * The URL of a registry, without a path.
 *
 * @throws OciError REFERENCE_INVALID for schemes other than http and https, and for http to Docker Hub
 */
export function urlFromIndex(index: RegistryIndex, scheme: string = index.scheme): string {
  const { name, official } = index;
  if (scheme !== "http" && scheme !== "https")
    throw new OciError("REFERENCE_INVALID", "registries speak http or https");
  if (official && scheme === "http")
    throw new OciError("REFERENCE_INVALID", `${name} is not asked over plain HTTP`);
  return official ? DEFAULT_INDEX_URL : `${scheme}://${name}`;
}

/** Whether `host` is this machine. */
export function isLocalhost(host: string): boolean {
  return host === "::1" || isLoopback(host);
}

/** What stands before and after the first separator; the whole text without one. */
export function splitIntoTwo(text: string, separator: string): readonly [string] | readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
