import { OciError, type CallOptions, type StorageDriver } from "@drayage/oci";
import type { Endpoint, Endpoints } from "./http/endpoint.ts";
import { jsonReply, type Reply } from "./http/exchange.ts";

export interface HealthOptions {
  /** Nothing is written, so that storage need only be readable. */
  readonly isReadOnly?: boolean | undefined;
  /** How long storage may take to answer, in milliseconds; 5 seconds by default. */
  readonly timeout?: number | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** How long an answer of storage is good for, so that who asks often does not keep it busy, in milliseconds. */
const freshness = 1000;

/**
 * Paths that tell whether a server is alive (`/livez`) and whether its storage takes what it is given (`/readyz`),
 * to whoever asks; for the `endpoints` of a handler.
 *
 * @see https://kubernetes.io/docs/reference/using-api/health-checks/
 * @example createHandler(createRegistry(driver), { endpoints: healthEndpoints(driver) })
 */
export function healthEndpoints(driver: StorageDriver, options: HealthOptions = {}): Endpoints {
  const { isReadOnly = false, timeout = 5000, now = Date.now } = options;
  let latest: { readonly at: number; readonly probe: Promise<void> } | undefined;

  const probe = (): Promise<void> => {
    if (latest === undefined || now() - latest.at >= freshness) {
      const signal = AbortSignal.timeout(timeout);
      latest = { at: now(), probe: probeStorage(driver, { isReadOnly, signal }) };
    }
    return latest.probe;
  };
  const ready = async (): Promise<Reply> => {
    try {
      await probe();
    } catch (cause) {
      throw new OciError("UNAVAILABLE", "storage does not answer as it should", { cause });
    }
    return okReply;
  };
  return { "/livez": endpointOf(async () => okReply), "/readyz": endpointOf(ready) };
}

/** Resolves if storage takes documents, or with `isReadOnly` if it finds them. @throws whatever the driver throws */
export async function probeStorage(
  { documents }: StorageDriver,
  { isReadOnly = false, signal }: CallOptions & Pick<HealthOptions, "isReadOnly"> = {},
): Promise<void> {
  const key = "probe";
  if (isReadOnly) {
    await documents.head(key, { signal });
    return;
  }
  await documents.put(key, new Uint8Array(), { signal });
  await documents.delete(key, { signal });
}

const okReply = jsonReply(200, JSON.stringify({ status: "ok" }), { "cache-control": "no-store" });

function endpointOf(answer: () => Promise<Reply>): Endpoint {
  return { GET: answer, HEAD: answer };
}
