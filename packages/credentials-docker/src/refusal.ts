import {
  isSameCredential,
  ownValue,
  parseJsonObject,
  type Credential,
  type CredentialRequest,
  type Secret,
} from "@drayage/oci";
import { unavailable } from "./failure.ts";

/** A credential and the place it was found at. */
export interface Found {
  readonly credential: Credential;
  readonly source: string;
}

/**
 * What was found, unless it is what the registry has just refused: it would be refused again.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE
 */
export function stillGood<Entry extends Found>(
  found: Entry,
  { registry, rejected }: CredentialRequest,
  { now = Date.now }: { readonly now?: (() => number) | undefined } = {},
): Entry {
  if (!isSameCredential(found.credential, rejected)) return found;
  const expired = isExpired(found.credential, now()) ? ", which by this machine's clock has expired" : "";
  throw unavailable({
    source: found.source,
    problem: `${registry} refused this credential${expired}`,
    hint: `log in to ${registry} again`,
  });
}

/**
 * Whether the credential is a token that says of itself that it has expired.
 *
 * This explains a refusal and never replaces one: the clock of this machine can be wrong, the registry decides.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
 */
function isExpired(credential: Credential, now: number): boolean {
  const [, payload = ""] = secretOf(credential).reveal().split(".");
  const expiry = expiryOf(payload);
  return expiry !== undefined && expiry * 1000 <= now;
}

/** The expiry of a JSON web token in seconds since 1970, if the payload is that of one. */
function expiryOf(payload: string): number | undefined {
  const claims = parseJsonObject(Buffer.from(payload, "base64url"));
  const expiry = claims && ownValue(claims, "exp");
  return typeof expiry === "number" ? expiry : undefined;
}

function secretOf(credential: Credential): Secret {
  return credential.type === "basic" ? credential.password : credential.token;
}
