import type { Digest } from "@drayage/oci";
import type { Endpoint } from "./endpoint.ts";

/** Bytes between two reports. */
const interval = 1024 * 1024;

export interface ProgressOptions {
  readonly direction: "download" | "upload";
  readonly digest?: Digest | undefined;
  readonly total?: number | undefined;
}

/** Is told how far the content of a blob has come, and passes on as much of it as is of interest. */
export function createProgress(
  { host, settings }: Endpoint,
  about: ProgressOptions,
): (bytes: number) => void {
  let reported = 0;
  return (bytes) => {
    if (bytes !== about.total && bytes - reported < interval) return;
    reported = bytes;
    settings.trace({ type: "progress", host: host.name, ...about, bytes });
  };
}
