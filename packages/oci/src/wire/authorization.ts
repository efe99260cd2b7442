import { OciError } from "../errors.ts";
import { isVisibleAscii } from "./scan.ts";

/** What an `Authorization` header proves itself with. */
export type Authorization =
  | { readonly scheme: "basic"; readonly username: string; readonly password: string }
  | { readonly scheme: "bearer"; readonly token: string };

// Decoding replaces nothing: two passwords that differ must not become one.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The user and password, or the token, of an `Authorization` header; `undefined` for one that is malformed or of
 * another scheme.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7617
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 * @example parseAuthorization("Bearer abc") // { scheme: "bearer", token: "abc" }
 */
export function parseAuthorization(header: string): Authorization | undefined {
  const space = header.indexOf(" ");
  const scheme = header.slice(0, Math.max(space, 0)).toLowerCase();
  const credentials = header.slice(space + 1).trim();
  if (scheme === "basic") return parseBasic(credentials);
  if (scheme === "bearer" && isVisibleAscii(credentials)) return { scheme, token: credentials };
  return undefined;
}

function parseBasic(encoded: string): Authorization | undefined {
  const text = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded) ? decode(encoded) : undefined;
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0 || hasControls(text)) return undefined;
  return { scheme: "basic", username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function decode(encoded: string): string | undefined {
  try {
    return utf8.decode(Buffer.from(encoded, "base64"));
  } catch {
    return undefined;
  }
}

/**
 * An `Authorization` header.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE if no header can carry the user name, password or token; it quotes none of them
 * @example formatAuthorization({ scheme: "basic", username: "me", password: "pw" }) // "Basic bWU6cHc="
 */
export function formatAuthorization(authorization: Authorization): string {
  if (authorization.scheme === "bearer") {
    if (!isVisibleAscii(authorization.token)) throw unsendable("token");
    return `Bearer ${authorization.token}`;
  }
  const { username, password } = authorization;
  if (username.includes(":") || hasControls(username)) throw unsendable("user name");
  if (hasControls(password)) throw unsendable("password");
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function hasControls(text: string): boolean {
  return /[\u0000-\u001f\u007f]/.test(text);
}

function unsendable(what: string): OciError {
  return new OciError("CREDENTIAL_UNAVAILABLE", `a ${what} that no Authorization header can carry`);
}
