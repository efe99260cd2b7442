import { createClient } from "@drayage/client";
import {
  fromStatic,
  parseDigest,
  type Digest,
  type StaticCredential,
  type StoredManifest,
} from "@drayage/oci";
import type { VendorApi, VendorApiOptions } from "@drayage/vendor-apis";
import { http, HttpResponse } from "msw";
import { onTestFinished } from "vitest";
import type { internet } from "../network.ts";

/** What a vendor answers; of a list each once, and the last one for ever. */
export interface VendorAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

type Routes = Readonly<Record<string, VendorAnswer | readonly VendorAnswer[]>>;

export interface Vendor {
  readonly options: VendorApiOptions & {
    readonly repository: ReturnType<ReturnType<typeof createClient>["repository"]>;
  };
  /** Every request in its order: method and URL. */
  readonly requests: string[];
  /** The proofs that each host was shown. */
  readonly proofs: Map<string, Set<string>>;
  /** The bodies of requests that had one. */
  readonly bodies: string[];
  /** How long was waited before requests were repeated, in milliseconds. */
  readonly pauses: number[];
}

/** A vendor that answers by `routes`, reached by a real client; what it does not know is answered with 501. */
export function openVendor(
  network: ReturnType<typeof internet>,
  {
    reference,
    credential,
    routes,
  }: { readonly reference: string; readonly credential?: StaticCredential; readonly routes: Routes },
): Vendor {
  const vendor = {
    requests: [] as string[],
    proofs: new Map<string, Set<string>>(),
    bodies: [] as string[],
    pauses: [] as number[],
  };
  const asked = new Map<string, number>();
  network.use(
    http.all("*", async ({ request }) => {
      const route = `${request.method} ${request.url}`;
      const { host } = new URL(request.url);
      const body = await request.text();
      vendor.requests.push(route);
      if (body !== "") vendor.bodies.push(body);
      const proofs = vendor.proofs.get(host) ?? new Set();
      vendor.proofs.set(host, proofs.add(request.headers.get("authorization") ?? "none"));
      const answers = [routes[route] ?? { status: 501 }].flat();
      const turn = asked.get(route) ?? 0;
      asked.set(route, turn + 1);
      const { status = 200, headers = {}, json } = answers[Math.min(turn, answers.length - 1)] ?? {};
      if (json === undefined) return new HttpResponse(null, { status, headers });
      return HttpResponse.json(json as object, { status, headers });
    }),
  );
  const client = createClient({
    network: {
      lookup: (_name, options, callback) =>
        options.all === true
          ? callback(null, [{ address: "192.0.2.1", family: 4 }])
          : callback(null, "192.0.2.1", 4),
    },
    retry: { attempts: 1 },
  });
  onTestFinished(() => client.close());
  const [registry = ""] = reference.split("/");
  return {
    ...vendor,
    options: {
      registry,
      repository: client.repository(reference),
      send: client.send,
      credentials: credential === undefined ? undefined : fromStatic(registry, credential),
      sleep: async (milliseconds) => void vendor.pauses.push(milliseconds),
    },
  };
}

/** All that a vendor lists. */
export async function listed({ listing }: VendorApi): Promise<StoredManifest[]> {
  return Array.fromAsync(listing.listStoredManifests());
}

/** Digests of nothing in particular. */
export const [one, two]: readonly [Digest, Digest] = [
  parseDigest(`sha256:${"a".repeat(64)}`),
  parseDigest(`sha256:${"b".repeat(64)}`),
];
