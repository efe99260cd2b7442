import { headerOf, OciError, readAll, type Bytes } from "@drayage/oci";
import type { RegistryResponse, RequestBody } from "./message.ts";
import { redactUrl } from "./url.ts";

/** How much of an answer that nobody wants is read for the sake of its connection. */
const drainLimit = 64 * 1024;

/** Reads a body to nobody, so that its connection can be used again; a long one is cut. */
export async function drain(body: Bytes): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > drainLimit) return;
    }
  } catch {
    // Nothing depends on it.
  }
}

/** Leaves a body unread, and cuts its connection if there is more to come. */
export async function abandon(body: Bytes): Promise<void> {
  await body[Symbol.asyncIterator]().return?.();
}

/** Closes where a body comes from that was not sent to its end, without waiting for it. */
export function release(body: RequestBody | undefined): void {
  if (typeof body === "object" && "bytes" in body) abandon(body.bytes).catch(() => undefined);
}

/** The body of an answer that must be as it is stored: no encoding was asked for, so none is undone. */
export async function identityBody(response: RegistryResponse): Promise<Bytes> {
  const encoding = headerOf(response.headers, "content-encoding");
  if (encoding === undefined || encoding.toLowerCase() === "identity") return response.body;
  await abandon(response.body);
  const url = redactUrl(response.url);
  const { status } = response;
  throw new OciError("RESPONSE_INVALID", `${url} came in a content encoding`, { url, status });
}

/**
 * The whole body of an answer.
 *
 * @throws OciError LIMIT_EXCEEDED, RESPONSE_INVALID
 */
export async function readBody(
  response: RegistryResponse,
  { limit }: { limit: number },
): Promise<Uint8Array> {
  return response.whole ?? readAll(await identityBody(response), { limit });
}
