import {
  createClient,
  type Client,
  type ClientOptions,
  type RepositoryClient,
  type TraceEvent,
} from "@drayage/client";
import { fromStatic } from "@drayage/oci";
import {
  createImage,
  createScriptedRegistry,
  leaksOf,
  testCertificate,
  type FixtureImage,
  type ScriptAction,
  type ScriptedAnswer,
  type ScriptedRegistry,
  type ScriptedRegistryOptions,
} from "@drayage/testkit";

/** The registry that the user named, its own token server, and others. */
export const home = "r.registry.test";
export const tokenServer = "auth.registry.test";
export const evil = "evil.test";
export const storage = "storage.test";
const strangers: readonly string[] = [evil, storage];

export const password = "canary-of-the-password";
export const privateHeader = "canary-of-the-header";

/** A registry that attacks, and a client that has secrets. */
export interface Attack extends AsyncDisposable {
  readonly server: ScriptedRegistry;
  readonly client: Client;
  /** `app` at the registry, which has `image` under `v1`. */
  readonly repository: RepositoryClient;
  readonly image: FixtureImage;
  readonly events: readonly TraceEvent[];
  /** The error that `action` fails with; like all that the client lets out it is searched for secrets. */
  failureOf(action: () => unknown): Promise<unknown>;
  /** `METHOD path` of what an origin received. */
  requestsTo(origin: string): readonly string[];
}

export type AttackOptions = Pick<ScriptedRegistryOptions, "auth" | "script" | "now"> & {
  readonly client?: ((server: ScriptedRegistry) => Partial<ClientOptions>) | undefined;
  /** Speaks HTTPS unless this is set. */
  readonly plainHttp?: boolean | undefined;
};

export const basicAuth = { basic: { me: password } } as const;
export const bearerAuth = { bearer: { users: { me: password }, realm: tokenServer } } as const;

/**
 * Opens a registry on four origins. When it is disposed of, no secret may have been anywhere but where it belongs:
 * the password at the registry and its token server, the private header at the registry.
 */
export async function openAttack({
  client: clientOptions,
  plainHttp,
  ...options
}: AttackOptions = {}): Promise<Attack> {
  const tls = plainHttp === true ? undefined : testCertificate;
  const server = await createScriptedRegistry({
    origins: [home, tokenServer, evil, storage],
    auth: bearerAuth,
    tls,
    ...options,
  });
  const image = createImage();
  await server.content.add("app", image, { tags: ["v1"] });
  const host = server.host();
  const events: TraceEvent[] = [];
  const errors: unknown[] = [];
  const client = createClient({
    credentials: fromStatic(host, { username: "me", password }),
    hosts: { [host]: { headers: { "x-private": privateHeader }, plainHttp } },
    network: { lookup: server.lookup, ca: testCertificate.cert },
    retry: { attempts: 2, minDelay: 1, maxDelay: 2 },
    timeouts: { headers: 1000, idle: 200 },
    trace: (event) => events.push(event),
    ...clientOptions?.(server),
  });
  const repository = client.registry(host).repository("app");
  const canaries = [
    { secret: password, origins: [home, tokenServer] },
    { secret: privateHeader, origins: [home] },
  ];
  return {
    server,
    client,
    repository,
    image,
    events,
    async failureOf(action) {
      try {
        await action();
      } catch (error) {
        errors.push(error);
        return error;
      }
      throw new Error("it did not fail");
    },
    requestsTo: (origin) =>
      server.ledger.filter((entry) => entry.origin === origin).map(({ method, url }) => `${method} ${url}`),
    async [Symbol.asyncDispose]() {
      const { ledger } = server;
      await client.close();
      await server.close();
      const leaks = leaksOf(canaries, { ledger, values: [events, client, repository, ...errors] });
      const tokens = ledger
        .filter(({ origin, headers }) => strangers.includes(origin) && headers["authorization"] !== undefined)
        .map(({ origin, method, url }) => `${method} ${url} took an Authorization to ${origin}`);
      const problems = [...leaks, ...tokens];
      if (problems.length > 0) throw new Error(`secrets went astray: ${problems.join("; ")}`);
    },
  };
}

/** Everything that `items` gives. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

export function redirectTo(location: string, status = 307): ScriptedAnswer {
  return { status, headers: { location } };
}

export function challengedBy(header: string | readonly string[]): ScriptedAnswer {
  return { status: 401, headers: { "www-authenticate": header } };
}

/** What happens to every download of a blob of `app`. */
export function onBlobs(action: ScriptAction) {
  return { method: "GET", origin: home, path: "/v2/app/blobs/*", ...action };
}

/** The same for manifests. */
export function onManifests(action: ScriptAction) {
  return { method: "GET", origin: home, path: "/v2/app/manifests/*", ...action };
}
