import { randomUUID } from "node:crypto";
import type { CallOptions } from "@drayage/oci";
import type { Bucket } from "./bucket.ts";

/** What a store can do beyond the S3 of old. */
export interface Capabilities {
  /** It keeps `If-Match` and `If-None-Match: *` when objects are put. */
  readonly conditionalPut: boolean;
  /** It keeps `If-Match` when they are deleted. */
  readonly conditionalDelete: boolean;
}

/** Tries out what the store can do, since stores pass over what they do not know. */
export async function probe(bucket: Bucket, { signal }: CallOptions): Promise<Capabilities> {
  const key = `probe/${randomUUID()}`;
  const bytes = new TextEncoder().encode("made to see what this store can do");
  await bucket.put(key, bytes, { signal });
  try {
    const conditionalPut = await refuses(() => bucket.put(key, bytes, { ifNoneMatch: "*", signal }));
    const keepsMatch = await refuses(() => bucket.put(key, bytes, { ifMatch: otherEtag, signal }));
    const conditionalDelete = await refuses(() => bucket.delete(key, { ifMatch: otherEtag, signal }));
    return { conditionalPut: conditionalPut && keepsMatch, conditionalDelete };
  } finally {
    await bucket.delete(key);
  }
}

const otherEtag = '"00000000000000000000000000000000"';

async function refuses(write: () => Promise<unknown>): Promise<boolean> {
  return (await write()) === "refused";
}
