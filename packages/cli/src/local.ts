import { createLayout, openArchive, openDockerArchive, type RootLister } from "@drayage/layout";
import {
  isDigest,
  isTag,
  OciError,
  type At,
  type CallOptions,
  type Digest,
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
  readonly tag?: Tag | undefined;
  readonly digest?: Digest | undefined;
}

/**
 * The layout that `text` names: `oci:DIR[:tag][@digest]`, `oci-archive:FILE[:tag][@digest]` or
 * `docker-archive:FILE[:tag][@digest]`; `undefined` if it is written as anything else.
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
  const path = tag === undefined ? place : place.slice(0, colon);
  if (path !== "") return { scheme, path, tag, digest };
  throw new OciError("REFERENCE_INVALID", `no path is named: "${text}"`, {
    hint: `write ${scheme}:PATH[:TAG]`,
  });
}

/** `local` as it is written. */
export function formatLocal({ scheme, path, tag, digest }: Local): string {
  const [ofTag, ofDigest] = [tag === undefined ? "" : `:${tag}`, digest === undefined ? "" : `@${digest}`];
  return `${scheme}:${path}${ofTag}${ofDigest}`;
}

/** What a layout can be asked, wherever it is. */
export type LocalSource = Source & TagLister & RootLister;

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
export async function atOfLocal(local: Local, source: RootLister, { signal }: CallOptions): Promise<At> {
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
