import { OciError, type Digest } from "@drayage/oci";
import type { Place } from "./place.ts";

/** Stores content of the repository, if there is room for it. @throws OciError DENIED */
export function admit<Result>(
  { name, quotas, rules }: Place,
  { digest, size }: { readonly digest: Digest; readonly size: number },
  store: () => Promise<Result>,
): Promise<Result> {
  const quota = rules?.quota?.(name);
  if (quota === undefined || quotas === undefined) return store();
  return quotas.admit({ repository: name, digest, size }, quota, store);
}

/** Throws what speaks against so many bytes in one blob, if anything does. */
export type RequireRoom = (size: number) => void;

/**
 * What a blob may have, as it is now; content that is counted already needs no room.
 *
 * @throws OciError DENIED if there is no room for anything
 */
export async function roomForBlob(
  { name, quotas, rules = {} }: Place,
  digest: Digest | undefined,
): Promise<RequireRoom> {
  const { blobBytes = Infinity } = rules;
  const quota = rules.quota?.(name);
  const room = quota === undefined ? undefined : await quotas?.room({ repository: name, digest }, quota);
  return (size) => {
    if (size > blobBytes) throw new OciError("LIMIT_EXCEEDED", `a blob may have ${blobBytes} bytes here`);
    if (room !== undefined && size > room)
      throw new OciError("DENIED", `there is room for ${room} bytes, and no more`);
  };
}
