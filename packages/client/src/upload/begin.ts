import type { CallOptions, DigestAlgorithm } from "@drayage/oci";
import type { Endpoint } from "../endpoint.ts";
import type { RegistryResponse } from "../http/message.ts";

/** A new upload session. */
export async function beginUpload(
  endpoint: Endpoint,
  { algorithm, signal }: CallOptions & { readonly algorithm?: DigestAlgorithm | undefined } = {},
): Promise<RegistryResponse> {
  // sha256 goes without saying, and old servers do not know the parameter.
  const digestAlgorithm = algorithm === "sha256" ? undefined : algorithm;
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
