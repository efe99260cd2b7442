import { OciError, ownValue, parseJsonObject, Secret, type Credential, type JsonObject } from "@drayage/oci";
import { unavailable } from "./failure.ts";

/** A helper, as errors name it. */
export interface HelperName {
  readonly program: string;
  /** Where the configuration names it. */
  readonly source: string;
}

/** The user name that says that the secret is an identity token. */
export const tokenUser = "<token>";

/** What a helper says on its standard output when it fails, as the protocol fixes it. */
const notFound = "credentials not found in native keychain";
const knownProblems: ReadonlyMap<string, string> = new Map([
  ["no credentials server URL", "it says that it was given no registry"],
  ["no credentials username", "it says that it was given no user name"],
]);

/** The input of `get` and `erase`. A key ends at the end of its line, so what follows would be somebody else's. */
export function formatServerKey(serverKey: string, helper: HelperName): string {
  if (!/[\s\x00-\x1f\x7f]/.test(serverKey)) return serverKey;
  throw brokenHelper(helper, "it cannot be asked for a name with spaces or control characters");
}

/** The input of `store`. @throws OciError OPTION_INVALID for a bearer token, which helpers cannot keep */
export function formatCredential(serverKey: string, credential: Credential, helper: HelperName): string {
  if (credential.type === "bearer") {
    throw new OciError("OPTION_INVALID", `${helper.program} cannot keep a bearer token`);
  }
  const isToken = credential.type === "refresh-token";
  const secret = isToken ? credential.token : credential.password;
  const username = isToken ? tokenUser : credential.username;
  return JSON.stringify({
    ServerURL: formatServerKey(serverKey, helper),
    Username: username,
    Secret: secret.reveal(),
  });
}

/** The output of `get`: a credential, or `undefined` if the helper has none. @throws OciError CREDENTIAL_UNAVAILABLE */
export function parseCredential(output: Uint8Array, helper: HelperName): Credential | undefined {
  const answer = parseAnswer(output, helper);
  const username = ownValue(answer, "Username");
  const secret = ownValue(answer, "Secret");
  if (typeof username !== "string" || typeof secret !== "string") {
    throw brokenHelper(helper, "its answer is no credential");
  }
  // Some helpers answer like this where the protocol wants the message above.
  if (username === "" && secret === "") return undefined;
  if (secret === "") throw brokenHelper(helper, "its answer has no secret");
  if (username === tokenUser) return { type: "refresh-token", token: new Secret(secret) };
  if (username === "" || username.includes(":")) {
    throw brokenHelper(helper, "its answer has no user name that can be sent");
  }
  return { type: "basic", username, password: new Secret(secret) };
}

/** The output of `list`: user names by server key. @throws OciError CREDENTIAL_UNAVAILABLE */
export function parseList(output: Uint8Array, helper: HelperName): ReadonlyMap<string, string> {
  const entries = Object.entries(parseAnswer(output, helper));
  return new Map(entries.map(([key, user]) => [key, typeof user === "string" ? user : ""]));
}

/**
 * What the output of a helper that failed means: a problem, or `undefined` if it only has no such credential.
 *
 * The output can contain a secret, so nothing of it is told but what the protocol fixes.
 */
export function parseFailure(output: Uint8Array, status: number | null): string | undefined {
  const message = new TextDecoder().decode(output).trim();
  if (message === notFound) return undefined;
  const unknown = status === null ? "a signal ended it" : `it failed with exit status ${status}`;
  return knownProblems.get(message) ?? unknown;
}

/** What a helper can be asked to do, and what it reads then. */
const inputs = {
  get: "the registry",
  store: "ServerURL, Username and Secret as JSON",
  erase: "the registry",
  list: "nothing",
} as const;

export type HelperVerb = keyof typeof inputs;

/** The error for a helper that should have done something and has not. */
export function brokenHelper(
  { program, source }: HelperName,
  problem: string,
  { verb = "get", cause }: { readonly verb?: HelperVerb | undefined; readonly cause?: unknown } = {},
): OciError {
  const hint = `run "${program} ${verb}" yourself, with ${inputs[verb]} on its standard input, to see what it says`;
  return unavailable({ source: `${program}, named by ${source}`, problem, hint, cause });
}

function parseAnswer(output: Uint8Array, helper: HelperName): JsonObject {
  const answer = parseJsonObject(output);
  if (answer === undefined) throw brokenHelper(helper, "its answer is not a JSON object");
  return answer;
}
