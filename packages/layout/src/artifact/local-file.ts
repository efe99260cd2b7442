import { stat } from "node:fs/promises";
import {
  createDigester,
  mediaType,
  OciError,
  verified,
  type Annotations,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type OpenBlob,
} from "@drayage/oci";
import { ifPresent, openGiven, readPart } from "../disk.ts";
import { hashed, sumOf } from "../hashed.ts";
import { annotation } from "./convention.ts";
import { gzip } from "./gzip.ts";
import { packDirectory } from "./pack.ts";

/** A file or directory that becomes a layer. */
export interface LocalFile {
  readonly descriptor: Descriptor;
  readonly open: OpenBlob;
}

export interface DescribeOptions extends CallOptions {
  readonly title: string;
  readonly mediaType?: string | undefined;
  readonly annotations?: Annotations | undefined;
}

/** What is at `path` as a layer, all of which is read to know its digest. @throws OciError OPTION_INVALID, UNAVAILABLE */
export async function describeLocal(path: string, options: DescribeOptions): Promise<LocalFile> {
  const found = await ifPresent(stat(path));
  if (found?.isDirectory() === true) return describeDirectory(path, options);
  if (found?.isFile() === true) return describeFile(path, { ...options, size: found.size });
  throw new OciError("OPTION_INVALID", `${path} is no file or directory that can be read`);
}

async function describeFile(
  path: string,
  {
    title,
    mediaType: type = mediaType.ociLayer,
    annotations,
    size,
    signal,
  }: DescribeOptions & { readonly size: number },
): Promise<LocalFile> {
  const { digest } = await sumOf(readFrom(path, { start: 0, size, signal }), { signal });
  const own = { ...annotations, [annotation.title]: title };
  const descriptor = { mediaType: type, digest, size, annotations: sorted(own) };
  const open: OpenBlob = async (offset, { signal: call } = {}) => {
    const bytes = readFrom(path, { start: offset, size, signal: call });
    return offset === 0 ? verified(bytes, descriptor) : bytes;
  };
  return { descriptor, open };
}

async function describeDirectory(
  path: string,
  { title, mediaType: type = mediaType.ociLayerGzip, annotations, signal }: DescribeOptions,
): Promise<LocalFile> {
  const tar = createDigester();
  const { digest, size } = await sumOf(gzip(hashed(packDirectory(path, { title, signal }), tar)), { signal });
  const own = {
    ...annotations,
    [annotation.title]: title,
    [annotation.unpack]: "true",
    [annotation.unpackedDigest]: tar.digest(),
  };
  const descriptor = { mediaType: type, digest, size, annotations: sorted(own) };
  const open: OpenBlob = async (offset, { signal: call } = {}) => {
    const bytes = gzip(packDirectory(path, { title, signal: call }));
    return offset === 0 ? verified(bytes, descriptor) : skip(bytes, offset);
  };
  return { descriptor, open };
}

async function* readFrom(
  path: string,
  { start, size, signal }: CallOptions & { readonly start: number; readonly size: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await openGiven(path);
  try {
    yield* readPart(file, { start, length: size - start, signal });
  } finally {
    await file.close();
  }
}

/** `bytes` from `offset` on. */
async function* skip(bytes: Bytes, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = offset;
  for await (const chunk of bytes) {
    if (left < chunk.byteLength) yield chunk.subarray(left);
    left = Math.max(left - chunk.byteLength, 0);
  }
}

/** The same annotations in one order, so that the same artifact has the same digest. */
export function sorted(annotations: Annotations): Annotations {
  return Object.fromEntries(Object.entries(annotations).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
