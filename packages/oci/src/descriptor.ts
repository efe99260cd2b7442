import { isDigest, type Digest } from "./digest.ts";
import { OciError } from "./errors.ts";
import { ownValue, parseObject, type JsonObject } from "./json.ts";
import { isMediaType } from "./media-type.ts";
import { parsePlatformObject, type Platform } from "./platform.ts";

/** What content is, how large, and what it hashes to; `size` in bytes. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly urls?: readonly string[] | undefined;
  readonly annotations?: Annotations | undefined;
  /** The content itself, in base64. */
  readonly data?: string | undefined;
  readonly artifactType?: string | undefined;
  readonly platform?: Platform | undefined;
}

/** Arbitrary metadata of a manifest or descriptor. */
export type Annotations = Readonly<Record<string, string>>;

/**
 * The descriptor that `value` spells; unknown properties are dropped.
 *
 * @throws OciError MANIFEST_INVALID naming `where` and the property at fault
 * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md
 */
export function parseDescriptor(value: unknown, where = "descriptor"): Descriptor {
  const object = parseObject(value);
  if (object === undefined) throw invalid(where, "is not an object");
  const mediaType = ownValue(object, "mediaType");
  if (typeof mediaType !== "string" || !isMediaType(mediaType)) throw invalid(where, "has no media type");
  const digest = ownValue(object, "digest");
  if (typeof digest !== "string" || !isDigest(digest)) throw invalid(where, "has no valid digest");
  const descriptor: Draft = { mediaType, digest, size: parseSize(object, where) };
  addOptional(descriptor, object, where);
  return descriptor;
}

/** An annotations map as parsed JSON; values that are not strings are refused. */
export function parseAnnotations(value: unknown, where: string): Annotations | undefined {
  if (value === undefined || value === null) return undefined;
  const object = parseObject(value);
  if (object === undefined) throw invalid(where, "has annotations that are not an object");
  const entries = Object.entries(object).map(([key, text]): [string, string] => {
    if (typeof text !== "string") throw invalid(where, `has an annotation that is not text: ${key}`);
    return [key, text];
  });
  return annotationsOf(entries);
}

/** Annotations in a map without a prototype, where `__proto__` is a key like any other. */
export function annotationsOf(entries: Iterable<readonly [string, string]>): Annotations {
  const annotations = Object.create(null) as Record<string, string>;
  for (const [key, text] of entries) annotations[key] = text;
  return annotations;
}

type Draft = { -readonly [Key in keyof Descriptor]: Descriptor[Key] };

/** One by one, for most descriptors have none of these, and a manifest may hold thousands of descriptors. */
function addOptional(descriptor: Draft, object: JsonObject, where: string): void {
  if (Object.keys(object).length === Object.keys(descriptor).length) return;
  const urls = ownValue(object, "urls");
  if (Array.isArray(urls)) descriptor.urls = urls.filter((url) => typeof url === "string");
  const annotations = parseAnnotations(ownValue(object, "annotations"), where);
  if (annotations !== undefined) descriptor.annotations = annotations;
  const data = ownValue(object, "data");
  if (typeof data === "string") descriptor.data = data;
  const artifactType = ownValue(object, "artifactType");
  if (typeof artifactType === "string" && artifactType !== "") descriptor.artifactType = artifactType;
  const platform = ownValue(object, "platform");
  if (platform !== undefined && platform !== null) descriptor.platform = parsePlatformObject(platform, where);
}

function parseSize(object: JsonObject, where: string): number {
  const size = ownValue(object, "size");
  // Beyond 2^53 a size would silently lose precision; below zero it is invalid (GHSA-f36w-mj3v-6jqv).
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    throw invalid(where, "has no valid size");
  return size;
}

function invalid(where: string, problem: string): OciError {
  return new OciError("MANIFEST_INVALID", `${where} ${problem}`);
}
