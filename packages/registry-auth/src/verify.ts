import { decodeProtectedHeader, jwtVerify } from "jose";
import {
  bareCause,
  isOciError,
  OciError,
  parseObject,
  type CallOptions,
  type JsonObject,
  type Secret,
} from "@drayage/oci";
import type { VerificationKey } from "./key.ts";
import type { KeySet } from "./key-set.ts";

/** Who must have signed a token, and for whom. */
export interface VerifyOptions extends CallOptions {
  readonly keys: Pick<KeySet, "find">;
  readonly issuer: string;
  readonly audience: string;
  /** The time in milliseconds since 1970. */
  readonly now: () => number;
}

/** In seconds; clocks differ. */
const leeway = 60;
/** In characters; request headers end at 32 Ki. */
export const tokenLimit: number = 16 * 1024;

/**
 * The claims of a token that is valid now.
 *
 * Which key it is held against, and by which algorithm, is ours to say: of its header only the key's id is used, and
 * an algorithm that is not the key's is refused (CVE-2025-24976, RFC 8725 §3.1).
 *
 * @throws OciError UNAUTHORIZED, UNAVAILABLE
 */
export async function verifyToken(token: Secret, options: VerifyOptions): Promise<JsonObject> {
  const { issuer, audience, now } = options;
  const text = token.reveal();
  if (text.length > tokenLimit) throw new OciError("UNAUTHORIZED", "a token that is too long");
  try {
    const { key, algorithm } = await findKey(text, options);
    const { payload } = await jwtVerify(text, key, {
      algorithms: [algorithm],
      issuer,
      audience,
      clockTolerance: leeway,
      currentDate: new Date(now()),
      requiredClaims: ["exp", "nbf", "sub"],
    });
    return parseObject(payload) ?? {};
  } catch (error) {
    if (isOciError(error)) throw error;
    throw new OciError("UNAUTHORIZED", "a token that is not valid here", { cause: bareCause(error) });
  }
}

async function findKey(token: string, { keys, signal }: VerifyOptions): Promise<VerificationKey> {
  const { alg, kid } = decodeProtectedHeader(token);
  const key = await keys.find(kid, { signal });
  if (key === undefined || key.algorithm !== alg) {
    throw new OciError("UNAUTHORIZED", "a token that nobody we know has signed");
  }
  return key;
}
