import { createHash, hash } from "node:crypto";
import { OciError } from "./errors.ts";

/** The algorithms of image-spec `descriptor.md` that are computed here. */
export type DigestAlgorithm = "sha256" | "sha512";

declare const brand: unique symbol;

/** A validated content digest such as `sha256:…`; made only by {@link parseDigest} and {@link digestOf}. */
export type Digest = string & { readonly [brand]: "Digest" };

const hexLength = { sha256: 64, sha512: 128 } as const satisfies Record<DigestAlgorithm, number>;

/**
 * The digest that `text` spells.
 *
 * @throws OciError DIGEST_INVALID unless it is `sha256:` or `sha512:` and exactly as much lower-case hex.
 * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
 * @example parseDigest("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
 */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new OciError("DIGEST_INVALID", `not a sha256 or sha512 digest: "${text.slice(0, 200)}"`);
}

/** Whether `text` is a digest that {@link parseDigest} would accept. */
export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, Math.max(colon, 0));
  if (!isDigestAlgorithm(algorithm)) return false;
  return text.length === colon + 1 + hexLength[algorithm] && isLowerHex(text, colon + 1);
}

/** Whether digests of this algorithm can be computed and verified here. */
export function isDigestAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(hexLength, text);
}

/** The digest of `bytes`. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return parseDigest(`${algorithm}:${hash(algorithm, bytes)}`);
}

/** Whether `digest` is what `bytes` hash to. */
export function digestMatches(digest: Digest, bytes: Uint8Array): boolean {
  return digestOf(bytes, algorithmOf(digest)) === digest;
}

/** A digest in the making. */
export interface Digester {
  update(bytes: Uint8Array): Digester;
  /** The digest of all bytes so far; the digester is spent. */
  digest(): Digest;
}

/** A digester that has seen no bytes yet. */
export function createDigester(algorithm: DigestAlgorithm = "sha256"): Digester {
  const state = createHash(algorithm);
  const digester: Digester = {
    update(bytes) {
      state.update(bytes);
      return digester;
    },
    digest: () => parseDigest(`${algorithm}:${state.digest("hex")}`),
  };
  return digester;
}

/** The part of a digest before the colon. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** The part of a digest after the colon, fit for a file name. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

function isLowerHex(text: string, start: number): boolean {
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const isHex = (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66);
    if (!isHex) return false;
  }
  return true;
}
