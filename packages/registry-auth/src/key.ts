import { calculateJwkThumbprint, importJWK, type CryptoKey, type JWK } from "jose";
import { OciError, ownValue, parseObject, type JsonObject } from "@drayage/oci";

/** A key that signatures can be held against, by one algorithm and no other. */
export interface VerificationKey {
  readonly id: string;
  readonly algorithm: string;
  readonly key: CryptoKey;
}

/** How a key of each kind signs, unless it says otherwise itself: never by a secret that both sides have. */
const algorithms: readonly {
  readonly kty: string;
  readonly crv?: string;
  readonly allowed: readonly string[];
}[] = [
  { kty: "EC", crv: "P-256", allowed: ["ES256"] },
  { kty: "EC", crv: "P-384", allowed: ["ES384"] },
  { kty: "EC", crv: "P-521", allowed: ["ES512"] },
  { kty: "OKP", crv: "Ed25519", allowed: ["EdDSA"] },
  { kty: "RSA", allowed: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] },
];

const publicMembers = ["kty", "crv", "x", "y", "n", "e"];
const privateMembers = ["d", "p", "q", "dp", "dq", "qi"];
const keyLimit = 100;

/**
 * The entries of a JSON Web Key Set (RFC 7517) that are for signatures.
 *
 * @throws OciError RESPONSE_INVALID
 */
export function parseKeySet(value: unknown): readonly JsonObject[] {
  const object = parseObject(value);
  const keys = object && ownValue(object, "keys");
  if (!Array.isArray(keys) || keys.length > keyLimit) {
    throw new OciError("RESPONSE_INVALID", `not a set of up to ${keyLimit} keys`);
  }
  const entries = keys.map(parseObject).filter((entry) => entry !== undefined);
  return entries.filter((entry) => (ownValue(entry, "use") ?? "sig") === "sig");
}

/** The public half of an entry, `undefined` if it is of a kind that is not used here. */
export async function parsePublicKey(entry: JsonObject): Promise<VerificationKey | undefined> {
  const algorithm = algorithmOf(entry);
  if (algorithm === undefined) return undefined;
  const jwk = membersOf(entry, publicMembers);
  const key = await importKey(jwk, algorithm);
  const id = ownValue(entry, "kid");
  return key && { id: typeof id === "string" ? id : await calculateJwkThumbprint(jwk), algorithm, key };
}

/** The private half of an entry, `undefined` if it has none. */
export async function parsePrivateKey(entry: JsonObject): Promise<CryptoKey | undefined> {
  const algorithm = algorithmOf(entry);
  if (algorithm === undefined || !Object.hasOwn(entry, "d")) return undefined;
  return importKey(membersOf(entry, [...publicMembers, ...privateMembers]), algorithm);
}

/** What may be shown of an entry to everybody. */
export function publicJwkOf(entry: JsonObject): JWK {
  return membersOf(entry, publicMembers);
}

function algorithmOf(entry: JsonObject): string | undefined {
  const [kty, crv, alg] = ["kty", "crv", "alg"].map((member) => ownValue(entry, member));
  const kind = algorithms.find((row) => row.kty === kty && (row.crv === undefined || row.crv === crv));
  if (kind === undefined || alg === undefined) return kind?.allowed[0];
  return kind.allowed.find((allowed) => allowed === alg);
}

function membersOf(entry: JsonObject, members: readonly string[]): JWK {
  const texts = members.flatMap((member): (readonly [string, string])[] => {
    const value = ownValue(entry, member);
    return typeof value === "string" ? [[member, value]] : [];
  });
  return Object.fromEntries(texts);
}

async function importKey(jwk: JWK, algorithm: string): Promise<CryptoKey | undefined> {
  try {
    const key = await importJWK(jwk, algorithm);
    return key instanceof Uint8Array ? undefined : key;
  } catch {
    return undefined; // an issuer may publish keys that this runtime cannot use
  }
}
