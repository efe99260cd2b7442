import { isDigest, type Digest } from "./digest.ts";
import type { Tag } from "./name.ts";
import {
  isHost,
  isHostLike,
  parseNamedReference,
  referenceError,
  type NamedReference,
} from "./reference-grammar.ts";

/** Docker Hub: the one registry that references need not name, and that answers under another name than its own. */
export const dockerHub = {
  registry: "docker.io",
  alias: "index.docker.io",
  namespace: "library",
  apiHost: "registry-1.docker.io",
  /** Under what `docker login` keeps its credentials. */
  loginServer: "https://index.docker.io/v1/",
} as const;

/** How a registry is spoken to. */
export type Scheme = "http" | "https";

/** Which registry is meant, and where it is. */
export interface RegistryAddress {
  /** The canonical name, in lower case: what credentials are looked up by. `docker.io` for Docker Hub. */
  readonly registry: string;
  /** Host and port to connect to; another than `registry` for Docker Hub alone. */
  readonly apiHost: string;
  /** `http` for loopback addresses, or where it was written. */
  readonly scheme: Scheme;
  /** Whether this is Docker Hub. */
  readonly official: boolean;
}

/** The name of an image or other artifact, complete and canonical. */
export interface Reference extends NamedReference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: Tag | undefined;
  readonly digest?: Digest | undefined;
  /** Host and port to connect to. */
  readonly apiHost: string;
  readonly scheme: Scheme;
  /** Whether this is one of Docker's own images: on Docker Hub, in `library/`. */
  readonly official: boolean;
}

/** How {@link parseReference} reads names. */
export interface ParseReferenceOptions {
  /** Whether the text may begin with `http://` or `https://`; then it must name a registry. */
  readonly allowScheme?: boolean | undefined;
  /** The registry of names without one, as {@link parseRegistry} reads it; Docker Hub by default. */
  readonly defaultRegistry?: string | undefined;
}

/**
 * The reference that `text` spells.
 *
 * First the grammar of `distribution/reference`, then our policy: hosts in lower case, the three names of Docker Hub
 * made one, plain HTTP for loopback addresses only, ports and hosts that one can connect to, digests that can be verified.
 *
 * @throws OciError REFERENCE_INVALID, NAME_INVALID, DIGEST_INVALID, with a {@link ReferenceReason} as `detail.reason`
 * @see https://pkg.go.dev/github.com/distribution/reference
 * @example parseReference("nginx:1.27").repository // "library/nginx"
 */
export function parseReference(text: string, options: ParseReferenceOptions = {}): Reference {
  const { scheme, rest } =
    options.allowScheme === true ? splitScheme(text) : { scheme: undefined, rest: text };
  if (scheme !== undefined) checkNamesRegistry(rest, text);
  const fallback = options.defaultRegistry === undefined ? undefined : parseRegistry(options.defaultRegistry);

  const named = parseNamedReference(rest, { shortNames: dockerHub, defaultRegistry: fallback?.registry });
  const assumed = named.registry === fallback?.registry ? fallback.scheme : undefined;
  return applyPolicy(named, text, scheme ?? assumed);
}

function applyPolicy(named: NamedReference, text: string, scheme: Scheme | undefined): Reference {
  const address = addressOf(named.registry, text, scheme);
  const isShort = address.official && !named.repository.includes("/");
  const repository = isShort ? `${dockerHub.namespace}/${named.repository}` : named.repository;
  if (repository.length > 255) throw referenceError("name-too-long", text);
  return {
    ...address,
    repository,
    tag: named.tag,
    digest: verifiableDigest(named.digest, text),
    official: address.official && repository.startsWith(`${dockerHub.namespace}/`),
  };
}

/** The image-spec does not register sha384, which the grammar allows. */
function verifiableDigest(digest: string | undefined, text: string): Digest | undefined {
  if (digest === undefined || isDigest(digest)) return digest;
  throw referenceError("digest-unsupported", text);
}

function checkNamesRegistry(rest: string, text: string): void {
  if (!rest.includes("/")) throw referenceError("invalid-format", text);
  if (!isHostLike(rest.slice(0, rest.indexOf("/")))) throw referenceError("invalid-registry", text);
}

/**
 * The registry that `text` names, with or without `http://` or `https://`.
 *
 * A name without a dot or port is none, except `localhost`. The address under which `docker login` keeps
 * credentials for Docker Hub, `https://index.docker.io/v1/`, is understood.
 *
 * @throws OciError REFERENCE_INVALID with a {@link ReferenceReason} as `detail.reason`
 * @example parseRegistry("localhost:5000").scheme // "http"
 */
export function parseRegistry(text: string): RegistryAddress {
  const { scheme, rest } = splitScheme(text);
  const host = text === dockerHub.loginServer ? dockerHub.registry : withoutSlash(rest);
  if (host.includes("/")) throw referenceError("trailing-path", text);
  if (!isHostLike(host) || !isHost(host)) throw referenceError("invalid-registry", text);
  return addressOf(host, text, scheme);
}

function splitScheme(text: string): { readonly scheme: Scheme | undefined; readonly rest: string } {
  const end = text.indexOf("://");
  if (end < 0) return { scheme: undefined, rest: text };
  const scheme = text.slice(0, end).toLowerCase();
  if (scheme !== "http" && scheme !== "https") throw referenceError("invalid-scheme", text);
  return { scheme, rest: text.slice(end + "://".length) };
}

function withoutSlash(text: string): string {
  return text.endsWith("/") ? text.slice(0, -1) : text;
}

const hubNames: readonly string[] = [dockerHub.registry, dockerHub.alias, dockerHub.apiHost];

function addressOf(host: string, text: string, scheme: Scheme | undefined): RegistryAddress {
  const name = host.toLowerCase();
  checkReachable(name, text);
  if (!hubNames.includes(name)) {
    return { registry: name, apiHost: name, scheme: scheme ?? schemeOf(name), official: false };
  }
  if (scheme === "http") throw referenceError("insecure-official-registry", text);
  return { registry: dockerHub.registry, apiHost: dockerHub.apiHost, scheme: "https", official: true };
}

/** Refuses what one cannot connect to, and names such as `0x7f.1` that URL parsers take for another host. */
function checkReachable(host: string, text: string): void {
  const { name, port } = splitPort(host);
  if (Number(port) > 65_535) throw referenceError("port-out-of-range", text);
  const isAmbiguous = endsInNumber(name) && !isDottedQuad(name);
  if (isAmbiguous || !URL.canParse(`https://${host}/`)) throw referenceError("invalid-registry", text);
}

/** Whether URL parsers read `name` as an IPv4 address (https://url.spec.whatwg.org/#ends-in-a-number-checker). */
function endsInNumber(name: string): boolean {
  return /^(?:[0-9]+|0x[0-9a-f]*)$/.test(name.split(".").at(-1) ?? "");
}

function isDottedQuad(name: string): boolean {
  const parts = name.split(".", 5);
  return parts.length === 4 && parts.every((part) => part === String(Number(part)) && Number(part) <= 255);
}

function splitPort(host: string): { readonly name: string; readonly port: string } {
  const end = host.startsWith("[") ? host.indexOf("]") + 1 : host.indexOf(":");
  const at = end < 0 ? host.length : end;
  return { name: host.slice(0, at), port: host.slice(at + 1) };
}

function schemeOf(host: string): Scheme {
  return isLoopback(host) ? "http" : "https";
}

/** Whether a host, with a port or without, is this machine: `localhost`, its subdomains, 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  const name = splitPort(host).name.toLowerCase();
  if (name.startsWith("[")) return /^\[[0:]*:0*1\]$/.test(name) && URL.canParse(`http://${name}/`);
  return (
    name === "localhost" || name.endsWith(".localhost") || (name.startsWith("127.") && isDottedQuad(name))
  );
}

/**
 * A reference in full, so that it is read back as the same.
 *
 * @example formatReference(parseReference("nginx")) // "docker.io/library/nginx"
 */
export function formatReference({ registry, repository, tag, digest }: NamedReference): string {
  // In lower case, a name without a dot or port would be read as the first component of a repository.
  const host = isHostLike(registry) ? registry : registry.toUpperCase();
  const name = registry === "" ? repository : `${host}/${repository}`;
  return `${name}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/**
 * A reference as people write it: without what names of Docker Hub may leave out.
 *
 * @example familiarReference(parseReference("docker.io/library/nginx:1")) // "nginx:1"
 */
export function familiarReference(reference: NamedReference): string {
  const { registry, repository } = reference;
  const [first = "", second, ...others] = repository.split("/");
  if (registry !== dockerHub.registry || isHostLike(first)) return formatReference(reference);
  const isOfficial = first === dockerHub.namespace && second !== undefined && others.length === 0;
  return formatReference({ ...reference, registry: "", repository: isOfficial ? second : repository });
}

/**
 * The reference that a pull uses: by digest alone where there is one, else by tag, which is `latest` by default.
 *
 * @example formatReference(pullReference(parseReference("nginx"))) // "docker.io/library/nginx:latest"
 */
export function pullReference<Named extends NamedReference>(reference: Named): Named {
  return { ...reference, tag: reference.digest === undefined ? (reference.tag ?? "latest") : undefined };
}
