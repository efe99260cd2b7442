import { OciError } from "@drayage/oci";

/** What is wrong with a place where a credential should be. */
export interface Problem {
  /** The place, as the user knows it: a file and a key in it, a variable, a program. */
  readonly source: string;
  /** What is wrong there. Never a part of the content: that may be a secret. */
  readonly problem: string;
  /** What the user can do about it. */
  readonly hint: string;
  /** Only errors of the operating system, which name paths and nothing else. */
  readonly cause?: unknown;
}

/** The error for a credential that should be there and is not: it says where, why, and what to do. */
export function unavailable({ source, problem, hint, cause }: Problem): OciError {
  return new OciError("CREDENTIAL_UNAVAILABLE", `${source}: ${problem}`, { hint, cause });
}
