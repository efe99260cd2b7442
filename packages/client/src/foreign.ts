import {
  headerOf,
  isOciError,
  OciError,
  verified,
  type BlobContent,
  type CallOptions,
  type Descriptor,
} from "@drayage/oci";
import type { Host } from "./host.ts";
import { abandon, identityBody } from "./http/body.ts";
import { fail } from "./http/fail.ts";
import type { RegistryResponse, Send } from "./http/message.ts";
import { resolveServerUrl } from "./http/url.ts";

export interface ForeignBlobOptions extends CallOptions {
  /** The registry that names the places; what it may lead to is decided by where it is itself. */
  readonly host: Host;
  /** A way that proves nothing to anybody. */
  readonly send: Send;
}

/** See `RepositoryClient.getForeignBlob`. */
export async function getForeignBlob(
  descriptor: Descriptor,
  { host, send, signal }: ForeignBlobOptions,
): Promise<BlobContent> {
  let failure: unknown = new OciError("BLOB_UNKNOWN", `${descriptor.digest} is kept nowhere else`);
  for (const text of descriptor.urls ?? []) {
    try {
      const url = resolveServerUrl(text, host.url);
      const response = await send({ host, method: "GET", url, lane: "download", subject: "blob", signal });
      return { descriptor, body: verified(await bodyOf(response, descriptor), descriptor) };
    } catch (error) {
      if (!isOciError(error)) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function bodyOf(
  response: RegistryResponse,
  { digest, size }: Descriptor,
): Promise<BlobContent["body"]> {
  if (response.status !== 200) throw await fail(response);
  const announced = headerOf(response.headers, "content-length");
  if (announced === undefined || Number(announced) === size) return identityBody(response);
  await abandon(response.body);
  throw new OciError("SIZE_MISMATCH", `content of ${digest} is ${announced} bytes long instead of ${size}`);
}
