import {
  createLayout,
  openArchive,
  openDockerArchive,
  type OpenedDockerArchive,
  type RootLister,
} from "@drayage/layout";
import {
  familiarReference,
  isDigest,
  isOciError,
  isTag,
  OciError,
  parseReference,
  type At,
  type CallOptions,
  type Digest,
  type Reference,
  type Source,
  type Tag,
  type TagLister,
} from "@drayage/oci";

const schemes = ["oci", "oci-archive", "docker-archive"] as const;

/** An image layout on this machine, and maybe what is meant in it. */
export interface Local {
  /** `oci` for a directory, `oci-archive` for a tar archive, `docker-archive` for what `docker save` makes. */
  readonly scheme: (typeof schemes)[number];
  readonly path: string;
  /** In an archive for docker, the image's name before its tag. */
  readonly name?: string | undefined;
  readonly tag?: Tag | undefined;
  readonly digest?: Digest | undefined;
}

/**
 * The layout that `text` names: `oci:DIR[:tag][@digest]`, `oci-archive:FILE[:tag][@digest]` or
 * `docker-archive:FILE[:[name:]tag][@digest]`; `undefined` if it is written as anything else.
 *
 * @throws OciError REFERENCE_INVALID
 */
export function parseLocal(text: string): Local | undefined {
  const scheme = schemes.find((word) => text.startsWith(`${word}:`));
  if (scheme === undefined) return undefined;
  const rest = text.slice(scheme.length + 1);
  const at = rest.lastIndexOf("@");
  const named = rest.slice(at + 1);
  const digest = at > 0 && isDigest(named) ? named : undefined;
  const place = digest === undefined ? rest : rest.slice(0, at);
  const colon = place.lastIndexOf(":");
  const tag = colon > 0 && isTag(place.slice(colon + 1)) ? place.slice(colon + 1) : undefined;
  const before = tag === undefined ? place : place.slice(0, colon);
  const { path, name } =
    scheme === "docker-archive" && tag !== undefined ? splitName(before) : { path: before, name: undefined };
  if (path !== "") return { scheme, path, name, tag, digest };
  throw new OciError("REFERENCE_INVALID", `no path is named: "${text}"`, {
    hint: `write ${scheme}:PATH[:TAG]`,
  });
}

/** A path up to its first colon, if what follows is the name of an image. */
function splitName(text: string): { readonly path: string; readonly name: string | undefined } {
  // Behind the letter of a drive follows no name.
  const colon = text.indexOf(":", process.platform === "win32" ? 2 : 0);
  const name = text.slice(colon + 1);
  const reference = referenceOf(name);
  const isName = reference !== undefined && reference.tag === undefined && reference.digest === undefined;
  return colon > 0 && isName ? { path: text.slice(0, colon), name } : { path: text, name: undefined };
}

function referenceOf(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (isOciError(error)) return undefined;
    throw error;
  }
}

/** `local` as it is written. */
export function formatLocal({ scheme, path, name, tag, digest }: Local): string {
  const parts = [scheme, path, name, tag].filter((part) => part !== undefined);
  return `${parts.join(":")}${digest === undefined ? "" : `@${digest}`}`;
}

/** What a layout can be asked, wherever it is. */
export type LocalSource = Source & TagLister & RootLister & Partial<Pick<OpenedDockerArchive, "names">>;

/** Runs `use` with the layout that `local` names, and closes it. */
export async function withLocal<Result>(
  { scheme, path }: Local,
  { signal }: CallOptions,
  use: (source: LocalSource) => Promise<Result>,
): Promise<Result> {
  if (scheme === "oci") return use(createLayout(path));
  const open = scheme === "oci-archive" ? openArchive : openDockerArchive;
  const archive = await open(path, { signal });
  try {
    return await use(archive);
  } finally {
    await archive.close();
  }
}

/** What is meant in the layout: without a tag or digest the only image. @throws OciError REFERENCE_INVALID if there are more */
export async function atOfLocal(
  local: Local,
  source: RootLister & Pick<LocalSource, "names">,
  { signal }: CallOptions,
): Promise<At> {
  if (local.digest === undefined && local.name !== undefined) return atOfName(local, source);
  const named = local.digest ?? local.tag;
  if (named !== undefined) return named;
  const roots = await Array.fromAsync(source.listRoots({ signal }));
  const [only] = roots;
  if (only === undefined)
    throw new OciError("MANIFEST_UNKNOWN", `there is no image in ${formatLocal(local)}`);
  if (roots.length === 1) return only.digest;
  throw new OciError("REFERENCE_INVALID", `there are ${roots.length} images in ${formatLocal(local)}`, {
    hint: `drayage ls ${formatLocal(local)} lists their tags`,
  });
}

/** The image that has the name in full, however it is spelled. @throws OciError MANIFEST_UNKNOWN */
function atOfName(local: Local, { names = new Map() }: Pick<LocalSource, "names">): Digest {
  const wanted = familiarName(`${local.name}:${local.tag}`);
  const [, digest] = [...names].find(([name]) => familiarName(name) === wanted) ?? [];
  if (digest !== undefined) return digest;
  throw new OciError("MANIFEST_UNKNOWN", `there is no image in ${formatLocal(local)}`, {
    hint: `it has ${[...names.keys()].join(", ")}`,
  });
}

/** A name as people write it; what is none is left as it is. */
function familiarName(text: string): string {
  const reference = referenceOf(text);
  return reference === undefined ? text : familiarReference(reference);
}
