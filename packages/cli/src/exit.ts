import { isOciError, type OciErrorCode } from "@drayage/oci";

/** What the process ends with. */
export const exitStatus = { done: 0, failed: 1, usage: 2, partly: 3 } as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

/** What is thrown where text of the user is read, before anything is sent. */
const usageCodes: readonly OciErrorCode[] = [
  "OPTION_INVALID",
  "REFERENCE_INVALID",
  "NAME_INVALID",
  "TAG_INVALID",
  "DIGEST_INVALID",
];

/** The status for what a command has thrown. */
export function statusOfError(error: unknown): ExitStatus {
  const isUsage = isOciError(error, ...usageCodes) && error.status === undefined && error.side === undefined;
  return isUsage ? exitStatus.usage : exitStatus.failed;
}

/** The status of a process that a signal ends, as shells count it. */
export function statusOfSignal(signal: "SIGINT" | "SIGTERM"): number {
  return signal === "SIGINT" ? 130 : 143;
}
