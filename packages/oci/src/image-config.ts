import { isDigest, type Digest } from "./digest.ts";
import { OciError } from "./errors.ts";
import { ownValue, parseJson, parseObject, type JsonObject } from "./json.ts";
import type { Platform } from "./platform.ts";
import { parsePlatformObject } from "./platform.ts";

/** What an image's configuration says about it, as far as Drayage needs to know. */
export interface ImageConfig {
  readonly platform: Platform;
  /** When the image was made, as it was written; registries do not check it. */
  readonly created?: string | undefined;
  /** The digests of the layers before compression. */
  readonly diffIds: readonly Digest[];
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The configuration of an image.
 *
 * @throws OciError MANIFEST_INVALID
 * @see https://github.com/opencontainers/image-spec/blob/main/config.md
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const object = parseObject(parseJson(bytes, "MANIFEST_INVALID"));
  if (object === undefined) throw new OciError("MANIFEST_INVALID", "image configuration is not an object");
  const created = ownValue(object, "created");
  const run = parseObject(ownValue(object, "config")) ?? {};
  return {
    platform: parsePlatformObject(object, "image configuration"),
    ...(typeof created === "string" ? { created } : {}),
    diffIds: texts(parseObject(ownValue(object, "rootfs")) ?? {}, "diff_ids").filter(isDigest),
    env: texts(run, "Env"),
    entrypoint: texts(run, "Entrypoint"),
    cmd: texts(run, "Cmd"),
    labels: labels(run),
  };
}

function texts(object: JsonObject, key: string): readonly string[] {
  const list = ownValue(object, key);
  return Array.isArray(list) ? list.filter((entry) => typeof entry === "string") : [];
}

function labels(object: JsonObject): Readonly<Record<string, string>> {
  const found = Object.create(null) as Record<string, string>;
  for (const [key, value] of Object.entries(parseObject(ownValue(object, "Labels")) ?? {})) {
    if (typeof value === "string") found[key] = value;
  }
  return found;
}
