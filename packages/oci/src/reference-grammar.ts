import { OciError, type OciErrorCode } from "./errors.ts";
import { isRepositoryName, isTag } from "./name.ts";

/** The registry whose names may be shortened. */
export interface ShortNames {
  readonly registry: string;
  /** Another name of the registry. */
  readonly alias: string;
  /** The namespace of names with a single component. */
  readonly namespace: string;
}

/** What {@link parseNamedReference} goes by. */
export interface GrammarOptions {
  readonly shortNames: ShortNames;
  /** Where names without a host are looked for, if not where they may be shortened. */
  readonly defaultRegistry?: string | undefined;
}

/** What the grammar alone says of a reference; which host serves it, and whether one should ask, is policy. */
export interface NamedReference {
  /** Host and port. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
}

/** More than any host, name, tag and digest have together. */
const lengthLimit = 4096;

/** Why a text is no reference: the `detail.reason` of the error. */
export type ReferenceReason =
  | "invalid-format"
  | "name-uppercase"
  | "name-too-long"
  | "name-is-identifier"
  | "digest-unsupported"
  | "digest-invalid-length"
  | "digest-invalid-format"
  | "invalid-registry"
  | "port-out-of-range"
  | "invalid-scheme"
  | "insecure-official-registry"
  | "trailing-path";

/**
 * The parts of a reference by the grammar of `distribution/reference`, short names completed.
 *
 * Where the first component looks like a host and is none, `registry` is empty and the component is part of
 * the repository, as that library has it.
 *
 * @throws OciError REFERENCE_INVALID, NAME_INVALID, DIGEST_INVALID
 * @see https://pkg.go.dev/github.com/distribution/reference
 */
export function parseNamedReference(text: string, options: GrammarOptions): NamedReference {
  if (text.length > lengthLimit) throw referenceError("invalid-format", text);
  if (/^[0-9a-f]{64}$/.test(text)) throw referenceError("name-is-identifier", text);
  const { host, rest } = splitHost(text);
  if (hasUpperCase(rest.split(":", 1).join())) throw referenceError("name-uppercase", text);

  const { path, tag, digest } = splitPath(rest, text);
  const name = nameOf(path, host, options);
  checkName(name, text);
  if (digest !== undefined) checkDigest(digest, text);
  return { ...name, tag, digest };
}

const explanations: Readonly<Record<ReferenceReason, string>> = {
  "invalid-format": "not an image name such as registry.example.com/team/app:v1",
  "name-uppercase": "a repository name has no upper case",
  "name-too-long": "a repository name has at most 255 characters",
  "name-is-identifier": "64 hexadecimal digits alone are an image's identifier, not its name",
  "digest-unsupported": "a digest is a sha256 or a sha512",
  "digest-invalid-length": "a sha256 digest has 64 hexadecimal digits, a sha512 one 128",
  "digest-invalid-format": "a digest has lower-case hexadecimal digits",
  "invalid-registry": "not the host of a registry, with a dot or a port, or localhost",
  "port-out-of-range": "a port is at most 65535",
  "invalid-scheme": "only http:// and https:// can be in front of a registry",
  "insecure-official-registry": "Docker Hub does not speak plain http",
  "trailing-path": "nothing is expected behind the host of a registry",
};

/** The error for `text`, with the code that its reason belongs to. */
export function referenceError(reason: ReferenceReason, text: string): OciError {
  const shown = withoutUserinfo(text).slice(0, 300);
  return new OciError(codeOf(reason), `${explanations[reason]}: "${shown}"`, { detail: { reason } });
}

/** `text` without what somebody may have put in front of a host: a user name and password do not belong there. */
function withoutUserinfo(text: string): string {
  const named = text.replace(/@sha\d{1,3}:[0-9A-Fa-f]*$/, "");
  const at = named.lastIndexOf("@");
  return at > 0 && named.slice(0, at).includes(":") ? `[removed]${text.slice(at)}` : text;
}

function codeOf(reason: ReferenceReason): OciErrorCode {
  if (reason.startsWith("digest-")) return "DIGEST_INVALID";
  return reason.startsWith("name-") ? "NAME_INVALID" : "REFERENCE_INVALID";
}

/** The first component, if it is to be taken for a host, and everything behind it. */
function splitHost(text: string): { readonly host?: string; readonly rest: string } {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  return isHostLike(first) ? { host: first, rest: text.slice(slash + 1) } : { rest: text };
}

/** Whether the first of several components is taken for a host. */
export function isHostLike(text: string): boolean {
  return text === "localhost" || text.includes(".") || text.includes(":") || hasUpperCase(text);
}

function hasUpperCase(text: string): boolean {
  return text !== text.toLowerCase();
}

function splitPath(
  rest: string,
  text: string,
): { readonly path: string; readonly tag: string | undefined; readonly digest: string | undefined } {
  const [named = "", digest, secondDigest] = rest.split("@", 3);
  const [path = "", tag, secondTag] = named.split(":", 3);
  const isOnce = secondDigest === undefined && secondTag === undefined;
  const isShaped = (tag === undefined || isTag(tag)) && (digest === undefined || isDigestShaped(digest));
  if (path === "" || !isOnce || !isShaped) throw referenceError("invalid-format", text);
  return { path, tag, digest };
}

function nameOf(
  path: string,
  host: string | undefined,
  { shortNames, defaultRegistry = shortNames.registry }: GrammarOptions,
): Pick<NamedReference, "registry" | "repository"> {
  if (host !== undefined && !isHost(host)) return { registry: "", repository: `${host}/${path}` };
  const registry = host === shortNames.alias ? shortNames.registry : (host ?? defaultRegistry);
  const isShort = registry === shortNames.registry && !path.includes("/");
  return { registry, repository: isShort ? `${shortNames.namespace}/${path}` : path };
}

function checkName({ repository }: Pick<NamedReference, "repository">, text: string): void {
  if (repository.length > 255) throw referenceError("name-too-long", text);
  if (!isRepositoryName(repository)) throw referenceError("invalid-format", text);
}

/** Whether `text` is a name, an IPv4 address or an IPv6 address in brackets, with a port or without. */
export function isHost(text: string): boolean {
  const [, host = "", port = "0"] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (!/^[0-9]+$/.test(port)) return false;
  return host.startsWith("[") ? /^\[[0-9A-Fa-f:]+\]$/.test(host) : host.split(".").every(isHostLabel);
}

function isHostLabel(label: string): boolean {
  return /^[A-Za-z0-9-]+$/.test(label) && !label.startsWith("-") && !label.endsWith("-");
}

/** Whether the grammar takes `text` for a digest, of whatever algorithm and length. */
function isDigestShaped(text: string): boolean {
  const [algorithm = "", hex = "", more] = text.split(":", 3);
  const isAlgorithm = algorithm.split(/[+._-]/).every((part) => /^[A-Za-z][A-Za-z0-9]*$/.test(part));
  return isAlgorithm && more === undefined && hex.length >= 32 && /^[0-9A-Fa-f]+$/.test(hex);
}

/** The algorithms that the reference library knows, although the image-spec registers only two of them. */
const hexLength: ReadonlyMap<string, number> = new Map([
  ["sha256", 64],
  ["sha384", 96],
  ["sha512", 128],
]);

function checkDigest(digest: string, text: string): void {
  const [algorithm = "", hex = ""] = digest.split(":", 2);
  const length = hexLength.get(algorithm);
  if (hasUpperCase(algorithm)) throw referenceError("digest-invalid-format", text);
  if (length === undefined) throw referenceError("digest-unsupported", text);
  if (length !== hex.length) throw referenceError("digest-invalid-length", text);
  if (hasUpperCase(hex)) throw referenceError("digest-invalid-format", text);
}
