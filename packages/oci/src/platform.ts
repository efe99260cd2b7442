import { OciError } from "./errors.ts";
import { ownValue, parseObject } from "./json.ts";

/** What an image runs on. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
  readonly osVersion?: string | undefined;
  readonly osFeatures?: readonly string[] | undefined;
}

const architectureAliases: ReadonlyMap<string, string> = new Map([
  ["x86_64", "amd64"],
  ["x86-64", "amd64"],
  ["aarch64", "arm64"],
  ["i386", "386"],
  ["i686", "386"],
  ["armhf", "arm"],
  ["armel", "arm"],
]);

/**
 * The platform that `os/architecture[/variant][:os.version]` spells, such as `linux/arm64/v8`.
 *
 * @throws OciError OPTION_INVALID
 */
export function parsePlatform(text: string): Platform {
  const colon = text.indexOf(":");
  const osVersion = colon < 0 ? undefined : text.slice(colon + 1);
  const [os, architecture, variant, ...rest] = (colon < 0 ? text : text.slice(0, colon))
    .toLowerCase()
    .split("/");
  const isWhole = os !== undefined && os !== "" && architecture !== undefined && architecture !== "";
  if (!isWhole || variant === "" || osVersion === "" || rest.length > 0) {
    throw new OciError("OPTION_INVALID", `not a platform such as linux/arm64/v8: "${text.slice(0, 200)}"`);
  }
  return {
    os,
    architecture: architectureAliases.get(architecture) ?? architecture,
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { osVersion }),
  };
}

/** `platform` in the form that {@link parsePlatform} reads. */
export function formatPlatform(platform: Platform): string {
  const variant = platform.variant === undefined ? "" : `/${platform.variant}`;
  const osVersion = platform.osVersion === undefined ? "" : `:${platform.osVersion}`;
  return `${platform.os}/${platform.architecture}${variant}${osVersion}`;
}

/**
 * Whether an image for `have` is what was meant by `wanted`: every part that `wanted` names agrees.
 *
 * arm64 without a variant and arm64/v8 are the same machine (image-spec `image-index.md`, "Platform Variants").
 */
export function matchesPlatform(wanted: Platform, have: Platform): boolean {
  if (wanted.os !== have.os || wanted.architecture !== have.architecture) return false;
  if (wanted.variant !== undefined && variantOf(wanted) !== variantOf(have)) return false;
  return wanted.osVersion === undefined || isWithin(wanted.osVersion, have.osVersion ?? "");
}

/**
 * A descriptor's `platform` as parsed JSON.
 *
 * @throws OciError MANIFEST_INVALID
 */
export function parsePlatformObject(value: unknown, where: string): Platform {
  const object = parseObject(value);
  if (object === undefined)
    throw new OciError("MANIFEST_INVALID", `${where} has a platform that is not an object`);
  const text = (key: string) => {
    const found = ownValue(object, key);
    return typeof found === "string" && found !== "" ? found : undefined;
  };
  const variant = text("variant");
  const osVersion = text("os.version");
  const features = ownValue(object, "os.features");
  return {
    os: text("os") ?? "unknown",
    architecture: text("architecture") ?? "unknown",
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { osVersion }),
    ...(Array.isArray(features)
      ? { osFeatures: features.filter((feature) => typeof feature === "string") }
      : {}),
  };
}

/** `platform` with the property names of the image-spec. */
export function platformToJson(platform: Platform): Readonly<Record<string, unknown>> {
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.osVersion === undefined ? {} : { "os.version": platform.osVersion }),
    ...(platform.osFeatures === undefined ? {} : { "os.features": platform.osFeatures }),
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
  };
}

/** Whether `version` is `wanted` or a build of it: 10.0.17763.1 of 10.0.17763, but not of 10.0.1776. */
function isWithin(wanted: string, version: string): boolean {
  return version === wanted || version.startsWith(`${wanted}.`);
}

function variantOf(platform: Platform): string | undefined {
  return platform.architecture === "arm64" && platform.variant === undefined ? "v8" : platform.variant;
}
