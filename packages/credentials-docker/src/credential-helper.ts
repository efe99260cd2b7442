import { isOciError, type CallOptions, type Credential, type DeleteResult } from "@drayage/oci";
import { unavailable } from "./failure.ts";
import {
  brokenHelper,
  formatCredential,
  formatServerKey,
  parseCredential,
  parseFailure,
  parseList,
  type HelperName,
  type HelperVerb,
} from "./helper-protocol.ts";
import { run, type Outcome } from "./process.ts";
import { findProgram } from "./program.ts";
import type { Environment } from "./search.ts";

/** How helpers are run. */
export interface HelperOptions {
  /** `process.env` by default; helpers are found in its `PATH` and given all of it. */
  readonly env?: Environment | undefined;
  /** How long a helper may take, in milliseconds; 30 seconds by default, too short for one that opens a browser. */
  readonly helperTimeout?: number | undefined;
  /** `inherit` shows what helpers write to their standard error, which may be a question; `ignore` by default. */
  readonly helperMessages?: "inherit" | "ignore" | undefined;
}

/** A program `docker-credential-…` that keeps credentials by server key. */
export interface CredentialHelper {
  /** The name of the program. */
  readonly program: string;
  /** The credential, or `undefined` if it has none. */
  get(serverKey: string, options?: CallOptions): Promise<Credential | undefined>;
  store(serverKey: string, credential: Credential, options?: CallOptions): Promise<void>;
  erase(serverKey: string, options?: CallOptions): Promise<DeleteResult>;
  /** User names by server key. */
  list(options?: CallOptions): Promise<ReadonlyMap<string, string>>;
}

interface HelperCall extends CallOptions, HelperOptions {
  readonly verb: HelperVerb;
  readonly input: string;
}

const defaultTimeout = 30_000;
const outputLimit = 64 * 1024;

/**
 * The helper that a configuration calls `name`; it is looked for and run only when it is needed.
 *
 * @param source where the name was found, for errors
 * @throws OciError CREDENTIAL_UNAVAILABLE if no helper can have that name; so do all calls if it fails
 * @see https://github.com/docker/docker-credential-helpers
 */
export function createCredentialHelper(
  name: string,
  { source, ...options }: HelperOptions & { readonly source: string },
): CredentialHelper {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw unavailable({ source, problem: "no credential helper can have this name", hint: "correct it" });
  }
  const helper = { program: `docker-credential-${name}`, source };
  return {
    program: helper.program,
    get: async (serverKey, { signal } = {}) => {
      const input = formatServerKey(serverKey, helper);
      const output = await callHelper(helper, { ...options, verb: "get", input, signal });
      return output && parseCredential(output, helper);
    },
    store: async (serverKey, credential, { signal } = {}) => {
      const input = formatCredential(serverKey, credential, helper);
      await callHelper(helper, { ...options, verb: "store", input, signal });
    },
    erase: async (serverKey, { signal } = {}) => {
      const input = formatServerKey(serverKey, helper);
      const output = await callHelper(helper, { ...options, verb: "erase", input, signal });
      return output === undefined ? "absent" : "deleted";
    },
    list: async ({ signal } = {}) => {
      const output = await callHelper(helper, { ...options, verb: "list", input: "", signal });
      return output === undefined ? new Map() : parseList(output, helper);
    },
  };
}

/** What the helper answers, or `undefined` if it has nothing. */
async function callHelper(helper: HelperName, call: HelperCall): Promise<Uint8Array | undefined> {
  call.signal?.throwIfAborted();
  const { status, output } = await runHelper(helper, call);
  if (status === 0) return output;
  const problem = parseFailure(output, status);
  if (problem === undefined) return undefined;
  throw brokenHelper(helper, problem, { verb: call.verb });
}

async function runHelper(helper: HelperName, call: HelperCall): Promise<Outcome> {
  const { env = process.env, helperTimeout = defaultTimeout, helperMessages = "ignore" } = call;
  const { input, signal, verb } = call;
  const path = await demandProgram(helper, env);
  try {
    const settings = { input, env, timeout: helperTimeout, outputLimit, stderr: helperMessages, signal };
    return await run(path, [verb], settings);
  } catch (error) {
    signal?.throwIfAborted();
    throw brokenHelper(helper, problemOf(error), { verb, cause: error });
  }
}

async function demandProgram({ program, source }: HelperName, env: Environment): Promise<string> {
  const path = await findProgram(program, env);
  if (path !== undefined) return path;
  const hint = `install ${program}, or remove it from the configuration and log in again`;
  throw unavailable({ source, problem: `${program} is not in any absolute directory of PATH`, hint });
}

function problemOf(error: unknown): string {
  if (isOciError(error, "TIMEOUT")) return `it gave ${error.message}`;
  if (isOciError(error, "LIMIT_EXCEEDED")) return `it wrote ${error.message}`;
  return "it cannot be started";
}
