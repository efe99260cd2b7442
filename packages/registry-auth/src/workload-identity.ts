import { decodeJwt } from "jose";
import { isOciError, OciError, ownValue, type JsonObject, type Secret } from "@drayage/oci";
import { parseGlob, type Account, type Accounts, type Glob } from "@drayage/registry";
import type { KeySet } from "./key-set.ts";
import { verifyToken } from "./verify.ts";

/** Who runs something that an issuer vouches for. */
export interface Workload {
  /**
   * Patterns that claims of the token must fit, all of them: `*` stands for any characters but `/`, `**` for any at
   * all. There must be one, since everybody may run something at an issuer that is open to the world.
   */
  readonly claims: Readonly<Record<string, string>>;
  /** The name by which rules know it; its issuer has no say in that. */
  readonly subject: string;
  readonly groups?: readonly string[] | undefined;
}

export interface WorkloadIdentityOptions {
  /** The `iss` of the tokens. */
  readonly issuer: string;
  /** The `aud` that they must be made for, so that nobody's can be used who trusted another registry. */
  readonly audience: string;
  /** What they are signed with, such as `issuerKeys(issuer, { send })`. */
  readonly keys: KeySet;
  /** The first that fits is who it is. */
  readonly workloads: readonly Workload[];
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/**
 * Accounts of jobs and pods that have no password but a token of where they run, which they give as password beside
 * any user name.
 *
 * @throws OciError OPTION_INVALID
 * @see https://docs.github.com/en/actions/concepts/security/openid-connect
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-token-volume-projection
 * @example
 * workloadIdentity({ issuer, audience: "registry.example.com", keys: issuerKeys(issuer, { send }),
 *   workloads: [{ claims: { repository: "octo-org/app", ref: "refs/heads/main" }, subject: "app-ci" }] })
 */
export function workloadIdentity(options: WorkloadIdentityOptions): Accounts {
  const { issuer, audience, keys, now = Date.now } = options;
  const workloads = options.workloads.map(compile);
  return {
    async logIn({ password, signal }): Promise<Account | undefined> {
      if (issuerOf(password) !== issuer) return undefined;
      try {
        const claims = await verifyToken(password, { keys, issuer, audience, now, signal });
        return workloads.find(({ fits }) => fits(claims))?.account;
      } catch (error) {
        if (isOciError(error, "UNAUTHORIZED")) return undefined;
        throw error;
      }
    },
  };
}

/** What a password says whose token it is, if it is one; nothing of it is known to be true. */
function issuerOf(password: Secret): string | undefined {
  try {
    return decodeJwt(password.reveal()).iss;
  } catch {
    return undefined;
  }
}

interface CompiledWorkload {
  readonly account: Account;
  readonly fits: (claims: JsonObject) => boolean;
}

function compile({ claims, subject, groups }: Workload): CompiledWorkload {
  const patterns = Object.entries(claims).map(([name, pattern]): [string, Glob] => [
    name,
    parseGlob(pattern),
  ]);
  if (patterns.length === 0) throw new OciError("OPTION_INVALID", `workload ${subject} needs claims`);
  if (subject === "") throw new OciError("OPTION_INVALID", "a workload needs a subject");
  return {
    account: { identity: { subject, groups } },
    fits: (given) =>
      patterns.every(([name, matches]) => {
        const value = ownValue(given, name);
        return typeof value === "string" && matches(value);
      }),
  };
}
