import {
  decodeBase64,
  isVisibleAscii,
  ownValue,
  parseObject,
  Secret,
  type Credential,
  type JsonObject,
} from "@drayage/oci";
import { unavailable } from "./failure.ts";

/** The properties of an entry that are, or contain, a secret or a user. */
export const credentialFields = ["auth", "username", "password", "identitytoken", "registrytoken"] as const;

type CredentialField = (typeof credentialFields)[number];

/**
 * The credential that one entry of `auths` holds, or `undefined` for the empty entry that only marks that some
 * helper has it.
 *
 * @param source where the entry is, for the error
 * @throws OciError CREDENTIAL_UNAVAILABLE
 * @see https://github.com/docker/cli/blob/master/cli/config/types/authconfig.go
 */
export function parseEntry(value: unknown, source: string): Credential | undefined {
  const entry = parseObject(value);
  if (entry === undefined) throw malformed(source, "is not an object");
  const registryToken = textOf(entry, "registrytoken", source);
  if (registryToken !== "") return { type: "bearer", token: tokenOf(registryToken, "registrytoken", source) };
  const identityToken = textOf(entry, "identitytoken", source);
  if (identityToken !== "")
    return { type: "refresh-token", token: tokenOf(identityToken, "identitytoken", source) };
  const auth = textOf(entry, "auth", source);
  if (auth !== "") return parseAuth(auth, source);
  const username = textOf(entry, "username", source);
  const password = textOf(entry, "password", source);
  return username === "" && password === "" ? undefined : basicOf(username, password, source);
}

/** The value of `auth` for a user and a password. */
export function formatAuth(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`).toString("base64");
}

function parseAuth(auth: string, source: string): Credential {
  const text = decodeBase64(auth);
  if (text === undefined) throw malformed(source, 'has an "auth" that is not base64 of UTF-8 text');
  const colon = text.indexOf(":");
  if (colon === -1) throw malformed(source, 'has an "auth" that is not user:password');
  return basicOf(text.slice(0, colon), withoutPadding(text.slice(colon + 1)), source);
}

/** docker pads with NUL, and cuts it off again. */
function withoutPadding(text: string): string {
  let end = text.length;
  while (text[end - 1] === "\0") end--;
  return text.slice(0, end);
}

function basicOf(username: string, password: string, source: string): Credential {
  if (username === "") throw malformed(source, "has no user name");
  if (username.includes(":")) throw malformed(source, "has a user name with a colon in it");
  return { type: "basic", username, password: new Secret(password) };
}

/** A token goes into a header, where nothing but visible ASCII may go. */
function tokenOf(text: string, field: CredentialField, source: string): Secret {
  if (!isVisibleAscii(text)) throw malformed(source, `has a "${field}" that no header can carry`);
  return new Secret(text);
}

function textOf(entry: JsonObject, field: CredentialField, source: string): string {
  const value = ownValue(entry, field) ?? "";
  if (typeof value === "string") return value;
  throw malformed(source, `has a "${field}" that is not text`);
}

function malformed(source: string, problem: string): Error {
  return unavailable({ source, problem, hint: "log in again, or correct or remove this entry" });
}
