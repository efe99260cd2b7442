import { createHash, hash } from "node:crypto";
import { OciError } from "./errors.ts";

/** The algorithms of image-spec `descriptor.md` that are computed here. */
export type DigestAlgorithm = "sha256" | "sha512";

declare const brand: unique symbol;

/** A validated content digest such as `sha256:…`; made only by {@link parseDigest} and {@link digestOf}. */
export type Digest = string & { readonly [brand]: "Digest" };

const grammars = {
  sha256: { length: "sha256:".length + 64, pattern: /^sha256:[0-9a-f]+$/ },
  sha512: { length: "sha512:".length + 128, pattern: /^sha512:[0-9a-f]+$/ },
} as const satisfies Record<DigestAlgorithm, unknown>;

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
  const { length, pattern } = text.startsWith("sha512:") ? grammars.sha512 : grammars.sha256;
  return text.length === length && pattern.test(text);
}

/** Whether digests of this algorithm can be computed and verified here. */
export function isDigestAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(grammars, text);
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
