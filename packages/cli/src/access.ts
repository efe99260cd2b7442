import { readFile } from "node:fs/promises";
import { isLoopback, isOciError, parseJson, type DocumentStore } from "@drayage/oci";
import {
  anyMethod,
  authorizeBy,
  basicMethod,
  parsePolicy,
  type Authorize,
  type HandlerOptions,
} from "@drayage/registry";
import type { Values } from "./command.ts";
import { optionError } from "./option-error.ts";

/** Who may use a registry that is served. */
export const accessOptions = {
  htpasswd: {
    type: "string",
    value: "FILE",
    isPath: true,
    help: "let in whom this file of `htpasswd -B` knows; read again when it changes",
  },
  policy: {
    type: "string",
    value: "FILE",
    isPath: true,
    help: "allow only what the rules in this JSON file allow",
  },
  "token-service": {
    type: "boolean",
    help: "have passwords sent once for tokens, rather than with every request",
  },
  "public-url": {
    type: "string",
    value: "URL",
    help: "where clients reach the registry, for the token service",
  },
} as const;

/** What the user said about access. */
export interface Access {
  readonly htpasswd: string | undefined;
  readonly policy: string | undefined;
  readonly tokens: { readonly publicUrl: string | undefined } | undefined;
}

/**
 * What the user said about access to a registry that listens at `host`.
 *
 * @throws OciError OPTION_INVALID
 */
export function parseAccess(values: Values<typeof accessOptions>, host: string): Access {
  const { htpasswd, policy, "public-url": publicUrl } = values;
  const hasTokens = values["token-service"] === true;
  if (hasTokens && htpasswd === undefined) {
    throw optionError("token-service", "--token-service needs --htpasswd, whose users it gives tokens to");
  }
  if (publicUrl !== undefined && !hasTokens) {
    throw optionError("public-url", "--public-url is for --token-service");
  }
  if (publicUrl !== undefined && !/^https?:\/\/[^/?#@\s"\\]+\/?$/.test(publicUrl)) {
    throw optionError("public-url", `--public-url needs http(s)://HOST[:PORT], not "${publicUrl}"`);
  }
  if (hasTokens && publicUrl === undefined && !isLoopback(host.includes(":") ? `[${host}]` : host)) {
    throw optionError(
      "token-service",
      `--token-service on ${host} needs --public-url, where clients reach it`,
    );
  }
  return { htpasswd, policy, tokens: hasTokens ? { publicUrl: publicUrl?.replace(/\/$/, "") } : undefined };
}

/** What is there to decide who may use a registry. */
export interface AccessSurroundings {
  /** Where logins are kept that clients may continue without a password. */
  readonly documents: DocumentStore;
  /** The URL at which the server listens, once it does. */
  readonly url: () => string;
  /** Tells whoever runs the server. */
  readonly note: (message: string) => void;
}

/**
 * How a handler is to ask who is there and what it may do, its files having been read once.
 *
 * @throws OciError UNAVAILABLE, OPTION_INVALID
 */
export async function openAccess(
  { htpasswd: file, policy, tokens }: Access,
  { documents, url, note }: AccessSurroundings,
): Promise<HandlerOptions> {
  const authorize = policy === undefined ? undefined : await readPolicy(policy);
  if (file === undefined) return { authorize };
  // Other commands need none of it.
  const { createTokenService, htpasswd, limitFailures } = await import("@drayage/registry-auth");
  const onError = (error: unknown): void => note(`The users are as before: ${String(error)}`);
  const accounts = limitFailures(htpasswd(file, { onError }));
  await accounts.find?.("");
  const basic = basicMethod(accounts, { realm: "drayage" });
  if (tokens === undefined) return { ...basic, authorize };
  const { publicUrl } = tokens;
  const service = createTokenService({
    accounts,
    authorize,
    service: publicUrl?.replace(/^.*\/\//, "") ?? "drayage",
    realm: () => `${publicUrl ?? url()}/token`,
    refreshTokens: documents,
  });
  return { ...anyMethod(service, basic), authorize };
}

async function readPolicy(file: string): Promise<Authorize> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw optionError("policy", `--policy: cannot read ${file}`, { cause });
  }
  try {
    return authorizeBy(parsePolicy(parseJson(bytes, "OPTION_INVALID")));
  } catch (cause) {
    if (!isOciError(cause, "OPTION_INVALID")) throw cause;
    throw optionError("policy", `--policy: ${file}: ${cause.message}`, { cause });
  }
}
