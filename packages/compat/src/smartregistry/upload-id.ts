import { isRepositoryName, OciError } from "@drayage/oci";

/** Which upload of which repository. */
export interface UploadName {
  readonly repository: string;
  readonly id: string;
}

/** An id that has its repository in it, since calls name no other: who may push to that one may go on. */
export function formatUploadId({ repository, id }: UploadName): string {
  return `${Buffer.from(repository).toString("base64url")}.${id}`;
}

/** @throws OciError BLOB_UPLOAD_UNKNOWN */
export function parseUploadId(text: string): UploadName {
  const dot = text.indexOf(".");
  const repository = Buffer.from(text.slice(0, Math.max(dot, 0)), "base64url").toString();
  if (isRepositoryName(repository)) return { repository, id: text.slice(dot + 1) };
  throw new OciError("BLOB_UPLOAD_UNKNOWN", "there is no such upload");
}
