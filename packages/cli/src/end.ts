import type { Client } from "@drayage/client";
import { createLayout, writeArchive, writeDockerArchive } from "@drayage/layout";
import {
  atSide,
  formatReference,
  isIndexType,
  isOciError,
  MemoryRegistry,
  OciError,
  type At,
  type CallOptions,
  type Descriptor,
  type Reference,
  type Side,
  type Source,
  type Target,
  type UploadMemory,
} from "@drayage/oci";
import { atOfLocal, formatLocal, parseLocal, withLocal, type Local } from "./local.ts";
import { atOf, parseLocation } from "./location.ts";
import { createUploadMemory, defaultUploadDirectory } from "./upload-memory.ts";

/** Where content comes from or goes to: a registry's repository, or a layout on this machine. */
export type End = Reference | Local;

/** The end that `text` names. @throws OciError REFERENCE_INVALID, NAME_INVALID, DIGEST_INVALID, OPTION_INVALID */
export function parseEnd(text: string): End {
  return parseLocal(text) ?? parseLocation(text);
}

/** `end` as it is written. */
export function formatEnd(end: End): string {
  return isLocal(end) ? formatLocal(end) : formatReference(end);
}

/** The registries among `ends`. */
export function registriesOf(...ends: readonly End[]): readonly string[] {
  return ends.flatMap((end) => (isLocal(end) ? [] : [end.registry]));
}

/** The repository from which blobs can be mounted, if both ends are in one registry. */
export function mountSource(source: End, target: End): string | undefined {
  if (isLocal(source) || isLocal(target)) return undefined;
  return source.registry === target.registry ? source.repository : undefined;
}

/**
 * What is remembered of uploads to the repository that `target` names, if it is one of a registry and there is a place
 * to remember it.
 */
export function uploadsTo(
  target: End,
  directory: string | undefined = defaultUploadDirectory(process.env),
): UploadMemory | undefined {
  if (isLocal(target) || directory === undefined) return undefined;
  return createUploadMemory({ directory, repository: `${target.registry}/${target.repository}` });
}

interface Access extends CallOptions {
  readonly client: Client;
}

/**
 * Runs `use` with the source that `end` names, and what is meant in it.
 *
 * @param side what a failure to open it is said to be at
 */
export async function withSource<Result>(
  end: End,
  { client, side, signal }: Access & { readonly side?: Side | undefined },
  use: (opened: { readonly source: Source; readonly at: At }) => Promise<Result>,
): Promise<Result> {
  if (!isLocal(end)) return use({ source: client.repository(end, { access: ["pull"] }), at: atOf(end) });
  let isOpen = false;
  try {
    return await withLocal(end, { signal }, async (source) => {
      const at = await atOfLocal(end, source, { signal });
      isOpen = true;
      return use({ source, at });
    });
  } catch (error) {
    // What was written wrong is at no side.
    const isAsItIs = isOpen || side === undefined || isOciError(error, "REFERENCE_INVALID");
    throw isAsItIs ? error : atSide(error, side);
  }
}

/** Runs `use` with the target that `end` names; an archive is in place when `use` has succeeded. */
export async function withTarget<Result>(
  end: End,
  { client, signal, isPlan }: Access & { readonly isPlan: boolean },
  use: (target: Target) => Promise<Result>,
): Promise<Result> {
  if (!isLocal(end)) return use(client.repository(end, { access: ["pull", "push"] }));
  if (end.scheme === "oci") return use(createLayout(end.path));
  // An archive is written anew, so a plan sees what will be there before: nothing.
  if (isPlan) return use(new MemoryRegistry().repository("archive"));
  return atTarget(() =>
    end.scheme === "oci-archive"
      ? writeArchive(end.path, use, { signal })
      : writeDockerArchive(end.path, use, { name: end.name, signal }),
  );
}

/** What `call` resolves to; a failure of the disk says that it is at the target. */
async function atTarget<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw isOciError(error, "STORAGE_FULL", "UNAVAILABLE") ? atSide(error, "target") : error;
  }
}

/**
 * `target` with the name that images get in an archive for docker: the one that is given, else that of the source. One
 * without a name has no tag there either.
 *
 * @throws OciError OPTION_INVALID for a tag of an image without a name
 */
export function withImageName(source: End, target: End, isTagged: boolean): End {
  if (!isLocal(target) || target.scheme !== "docker-archive") return target;
  const name = target.name ?? (isLocal(source) ? source.name : repositoryOf(source));
  if (name !== undefined) return { ...target, name };
  if (!isTagged) return { ...target, tag: undefined };
  throw new OciError(
    "OPTION_INVALID",
    `the image would have a tag without a name in ${formatLocal(target)}`,
    {
      hint: `write docker-archive:${target.path}:NAME:TAG`,
    },
  );
}

/** @throws OciError UNSUPPORTED for an index in an archive for docker, which has images only */
export function requireImage(target: End, { mediaType }: Descriptor): void {
  if (!isLocal(target) || target.scheme !== "docker-archive" || !isIndexType(mediaType)) return;
  throw new OciError(
    "UNSUPPORTED",
    `${formatLocal(target)} would hold images only, and no index of several`,
    {
      hint: "--platform P chooses one of them",
    },
  );
}

function repositoryOf({ registry, repository }: Reference): string {
  return formatReference({ registry, repository });
}

function isLocal(end: End): end is Local {
  return "path" in end;
}
