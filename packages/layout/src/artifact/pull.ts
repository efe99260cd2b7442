import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  atSide,
  createDigester,
  isOciError,
  isVerified,
  mapConcurrent,
  observed,
  OciError,
  parseManifest,
  verified,
  type At,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type Source,
} from "@drayage/oci";
import { onDisk, withFile } from "../disk.ts";
import { writeBytes } from "../draft.ts";
import { expand } from "../expand.ts";
import { hashed } from "../hashed.ts";
import { annotation } from "./convention.ts";
import { makeDirectory, throughStage } from "./stage.ts";
import { findClash, partsOf } from "./title.ts";
import { unpack } from "./unpack.ts";

export interface PullFilesOptions extends CallOptions {
  /** Replaces files that are there already; else only the same ones may be. */
  readonly overwrite?: boolean | undefined;
  /** Leaves packed directories packed, as `TITLE.tar.gz`. */
  readonly keepArchives?: boolean | undefined;
}

/** A file or directory that was pulled. */
export interface PulledFile {
  readonly title: string;
  /** Where it is. */
  readonly path: string;
  readonly descriptor: Descriptor;
}

export interface PullFilesResult {
  /** The artifact. */
  readonly descriptor: Descriptor;
  readonly files: readonly PulledFile[];
  /** Layers without a title, which are not pulled. */
  readonly untitled: readonly Descriptor[];
}

/** How many files are fetched at a time. */
const concurrency = 3;

/**
 * Puts the files of an artifact into `directory`, all of them or none; each layer with a title is one.
 *
 * Titles that lead anywhere else are refused, and so are packed directories with links or devices in them.
 *
 * @throws OciError MANIFEST_UNKNOWN, MANIFEST_INVALID for titles that lead elsewhere or clash, UNSUPPORTED for an index,
 *   DIGEST_MISMATCH, STORAGE_INVALID, LIMIT_EXCEEDED for a hostile archive, OPTION_INVALID for another file in the place of
 *   one, STORAGE_FULL; `side` says whether it happened at the source or on the disk
 * @example const { files } = await pullFiles({ repository, at: "v1" }, "downloads")
 */
export async function pullFiles(
  { repository, at }: { readonly repository: Source; readonly at: At },
  directory: string,
  { overwrite, keepArchives = false, signal }: PullFilesOptions = {},
): Promise<PullFilesResult> {
  const { descriptor, layers } = await readArtifact(repository, at, { signal });
  const titled = layers.flatMap((layer) => titledOf(layer, { keepArchives }));
  const clash = findClash(titled.map(({ title }) => title));
  if (clash !== undefined) throw refused(`more than one layer is called "${clash}"`);
  await throughStage(
    directory,
    (stage) =>
      mapConcurrent(titled, concurrency, (layer, call) => fetchLayer(layer, { repository, stage, ...call }), {
        signal,
      }),
    { overwrite },
  );
  const files = titled.map(({ title, layer }) => ({
    title,
    path: join(directory, title),
    descriptor: layer,
  }));
  return { descriptor, files, untitled: layers.filter((layer) => titleOf(layer) === undefined) };
}

interface TitledLayer {
  readonly title: string;
  readonly layer: Descriptor;
  readonly isPacked: boolean;
}

async function readArtifact(
  repository: Source,
  at: At,
  { signal }: CallOptions,
): Promise<{ readonly descriptor: Descriptor; readonly layers: readonly Descriptor[] }> {
  const { descriptor, bytes } = await fromSource(() => repository.getManifest(at, { signal }));
  const manifest = parseManifest(bytes, descriptor.mediaType);
  if (manifest.kind === "manifest") return { descriptor, layers: manifest.layers };
  throw new OciError("UNSUPPORTED", `source: ${at} is an index, and no artifact itself`, {
    side: "source",
    hint: `name one of ${manifest.manifests.map(({ digest }) => digest).join(", ")}`,
  });
}

function titleOf({ annotations }: Descriptor): string | undefined {
  const title = annotations?.[annotation.title];
  return title === "" ? undefined : title;
}

/** @throws OciError MANIFEST_INVALID for a title that leads elsewhere (CVE-2026-50163) */
function titledOf(
  layer: Descriptor,
  { keepArchives }: { readonly keepArchives: boolean },
): readonly TitledLayer[] {
  const named = titleOf(layer);
  if (named === undefined) return [];
  const title = partsOf(named)?.join("/");
  if (title === undefined) throw refused(`a layer is called "${named}", which leads elsewhere`);
  const isPacked = layer.annotations?.[annotation.unpack] === "true";
  return [
    {
      title: isPacked && keepArchives ? `${title}.tar.gz` : title,
      layer,
      isPacked: isPacked && !keepArchives,
    },
  ];
}

/** Puts a layer into the stage, as the file or the directory that it is. */
async function fetchLayer(
  { title, layer, isPacked }: TitledLayer,
  { repository, stage, signal }: CallOptions & { readonly repository: Source; readonly stage: string },
): Promise<void> {
  const { body } = await fromSource(() => repository.getBlob(layer.digest, { signal }));
  const checked = isVerified(body, layer.digest) ? body : verified(body, layer);
  const bytes = observed(checked, { onError: (error) => atSide(error, "source") });
  try {
    if (isPacked) await unpackLayer(layer, bytes, { title, root: stage, signal });
    else await writeFile(stage, title, { bytes, signal });
  } catch (error) {
    throw atSide(error, isOciError(error, "STORAGE_FULL", "UNAVAILABLE") ? "target" : "source");
  }
}

async function writeFile(
  root: string,
  title: string,
  { bytes, signal }: CallOptions & { readonly bytes: Bytes },
): Promise<void> {
  await makeDirectory(root, dirname(title));
  const file = await onDisk(open(join(root, title), "wx"));
  await withFile(file, (opened) => writeBytes(opened, bytes, { at: 0, what: title, signal }));
}

async function unpackLayer(
  { annotations }: Descriptor,
  bytes: Bytes,
  options: CallOptions & { readonly root: string; readonly title: string },
): Promise<void> {
  const digester = createDigester();
  await unpack(hashed(expand(bytes, "gzip"), digester), options);
  const expected = annotations?.[annotation.unpackedDigest];
  const actual = digester.digest();
  if (expected === undefined || expected === actual) return;
  throw new OciError("DIGEST_MISMATCH", `"${options.title}" unpacks from ${actual}, not from ${expected}`);
}

async function fromSource<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw atSide(error, "source");
  }
}

function refused(problem: string): OciError {
  return new OciError("MANIFEST_INVALID", `source: ${problem}`, { side: "source" });
}
