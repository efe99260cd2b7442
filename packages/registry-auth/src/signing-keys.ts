import { calculateJwkThumbprint, exportJWK, generateKeyPair, type CryptoKey, type JWK } from "jose";
import { createSingleFlight, OciError, parseJson } from "@drayage/oci";
import { parseKeySet, parsePrivateKey, parsePublicKey, publicJwkOf, type VerificationKey } from "./key.ts";
import { createReloadingFile, type ReloadingFileOptions } from "./reloading-file.ts";

/** A key that tokens are signed with. */
export interface SigningKey extends VerificationKey {
  readonly privateKey: CryptoKey;
  /** What others may know of it. */
  readonly publicJwk: JWK;
}

/** The keys of a token service. */
export interface SigningKeys {
  /** The first signs; what any of them has signed is valid. */
  list(): Promise<readonly SigningKey[]>;
}

export type SigningAlgorithm = "ES256" | "EdDSA" | "RS256";

export interface SigningKeysOptions {
  readonly algorithm?: SigningAlgorithm | undefined;
  /** How long a key signs, in milliseconds; a day by default. */
  readonly rotateAfter?: number | undefined;
  /** How long what it has signed is valid after that, in milliseconds; an hour by default. */
  readonly overlap?: number | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

const day = 24 * 3_600_000;

/**
 * Keys that this process makes up as it needs them, and forgets when it ends: fit for one instance, whose clients
 * fetch new tokens after a restart.
 *
 * @param options.algorithm ES256 by default
 */
export function createSigningKeys(options: SigningKeysOptions = {}): SigningKeys {
  const { algorithm = "ES256", rotateAfter = day, overlap = 3_600_000, now = Date.now } = options;
  const flight = createSingleFlight<readonly SigningKey[]>();
  let made: readonly { readonly key: SigningKey; readonly at: number }[] = [];

  const rotate = async (): Promise<readonly SigningKey[]> => {
    const key = await generateSigningKey(algorithm);
    made = [{ key, at: now() }, ...made.filter(({ at }) => now() - at < rotateAfter + overlap)];
    return made.map((entry) => entry.key);
  };

  return {
    async list() {
      const [newest] = made;
      if (newest === undefined || now() - newest.at >= rotateAfter) return flight("", rotate);
      return made.filter(({ at }) => now() - at < rotateAfter + overlap).map(({ key }) => key);
    },
  };
}

async function generateSigningKey(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  const publicJwk = await exportJWK(publicKey);
  return { id: await calculateJwkThumbprint(publicJwk), algorithm, key: publicKey, privateKey, publicJwk };
}

/**
 * Keys in a file that several instances share, read again when it changes: a JSON Web Key Set with private keys.
 * The first signs. To rotate, put a new one in front, and take the old one away when its last token has expired.
 *
 * @throws from the list OciError UNAVAILABLE, OPTION_INVALID
 */
export function signingKeysFrom(file: string, options: ReloadingFileOptions = {}): SigningKeys {
  return { list: createReloadingFile(file, parseSigningKeys, options) };
}

async function parseSigningKeys(text: string): Promise<readonly SigningKey[]> {
  const entries = parseKeySet(parseJson(new TextEncoder().encode(text), "OPTION_INVALID"));
  const keys = await Promise.all(
    entries.map(async (entry) => {
      const [verification, privateKey] = await Promise.all([parsePublicKey(entry), parsePrivateKey(entry)]);
      if (verification === undefined || privateKey === undefined) {
        throw new OciError("OPTION_INVALID", "a key that cannot sign", {
          hint: "private keys for ES256, EdDSA or RS256 can",
        });
      }
      return { ...verification, privateKey, publicJwk: publicJwkOf(entry) };
    }),
  );
  if (keys.length === 0) throw new OciError("OPTION_INVALID", "a set without a key that signs");
  return keys;
}
