import { sign } from "node:crypto";

/** What a GitHub App proves with that it is the app. */
export interface AppJwt {
  readonly jwt: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

/** In seconds, the most that GitHub takes. */
const life = 600;

/** How many of them have passed already, for clocks that run fast. */
const headStart = 30;

/**
 * A token of the app that is good for ten minutes, signed with its key in either form of PEM.
 *
 * auth-app would sign by Web Crypto, whose import of a sound key fails now and then with OpenSSL's
 * `asn1 encoding routines::too long` (Node 24 and 26, OpenSSL 3.5.8); of keys in PEM this was never seen.
 *
 * @see https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 */
export function signAppJwt(
  appId: number | string,
  privateKey: string,
  { now = Date.now() }: { readonly now?: number | undefined } = {},
): AppJwt {
  const iat = Math.floor(now / 1000) - headStart;
  const exp = iat + life;
  const text = `${base64url({ alg: "RS256", typ: "JWT" })}.${base64url({ iat, exp, iss: appId })}`;
  // Variables of the environment often hold line ends in escaped form.
  const key = privateKey.replaceAll("\\n", "\n");
  const signature = sign("sha256", Buffer.from(text), key).toString("base64url");
  return { jwt: `${text}.${signature}`, expiresAt: new Date(exp * 1000).toISOString() };
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
