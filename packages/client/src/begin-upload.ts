import { headerOf, OciError, type CallOptions } from "@drayage/oci";
import type { Endpoint } from "./endpoint.ts";
import type { RegistryResponse } from "./http/message.ts";
import { resolveServerUrl } from "./http/url.ts";

/** A new upload session. */
export async function beginUpload(
  endpoint: Endpoint,
  { digestAlgorithm, signal }: CallOptions & { readonly digestAlgorithm?: string | undefined } = {},
): Promise<RegistryResponse> {
  return endpoint.tell({
    method: "POST",
    to: { kind: "uploads", name: endpoint.name, digestAlgorithm },
    subject: "repository",
    expect: [202],
    actions: ["pull", "push"],
    // A session that nobody uses is dropped by the registry.
    isRepeatable: true,
    signal,
  });
}

/** Where an upload goes on, by an answer to any request of it. */
export function sessionOf({ headers, url, status }: RegistryResponse): URL {
  const location = headerOf(headers, "location");
  if (location !== undefined) return resolveServerUrl(location, url);
  throw new OciError("RESPONSE_INVALID", "an upload session without a Location", { status });
}
