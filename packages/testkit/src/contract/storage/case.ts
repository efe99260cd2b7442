import { randomUUID } from "node:crypto";
import { readAll, type Bytes, type StorageDriver, type UploadToken } from "@drayage/oci";

/** One rule that every storage driver keeps. */
export interface StorageCase {
  readonly title: string;
  run(context: StorageContext): Promise<void>;
}

/** What a case is given: a storage with nothing in it. */
export interface StorageContext {
  readonly driver: StorageDriver;
  /** The same storage as another process finds it; the driver itself where nothing outlives the process. */
  readonly reopen: () => Promise<StorageDriver>;
}

const mostRead = 64 * 1024 * 1024;

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
export const decode = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** All of it, which is short enough. */
export const read = (bytes: Bytes): Promise<Uint8Array> => readAll(bytes, { limit: mostRead });

/** An upload that holds `bytes`, by the token from which it goes on. */
export async function uploadOf({ blobs }: StorageDriver, bytes: Bytes): Promise<UploadToken> {
  const begun = await blobs.begin({ id: randomUUID() });
  const { token, failure } = await blobs.append(begun, bytes, { at: 0 });
  if (failure !== undefined) throw failure.error;
  return token;
}
