import { OciError, type CallOptions, type StorageDriver } from "@drayage/oci";
import { openStorage, parseStorage } from "./storage.ts";

/** Which storage to look after. */
export const maintainedOptions = {
  storage: {
    type: "string",
    value: "DIR",
    help: "where content is kept: a directory or s3://BUCKET/PREFIX; a registry may serve it meanwhile",
  },
  "s3-endpoint": {
    type: "string",
    value: "URL",
    help: "the S3 store, if it is not Amazon's (AWS_ENDPOINT_URL_S3)",
  },
} as const;

/** The storage that is to be looked after. @throws OciError OPTION_INVALID, UNAVAILABLE */
export async function openMaintained(
  { storage: text, "s3-endpoint": s3Endpoint = process.env["AWS_ENDPOINT_URL_S3"] }: MaintainedValues,
  { signal }: CallOptions,
): Promise<StorageDriver> {
  if (text === undefined) throw new OciError("OPTION_INVALID", "--storage is missing");
  const storage = parseStorage(text);
  if (storage.kind === "memory") {
    throw new OciError("OPTION_INVALID", "--storage needs a directory or s3://BUCKET/PREFIX here");
  }
  return openStorage(storage, { s3Endpoint, isReadOnly: false, isShared: true, signal });
}

interface MaintainedValues {
  readonly storage?: string | undefined;
  readonly "s3-endpoint"?: string | undefined;
}
