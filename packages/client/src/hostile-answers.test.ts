import {
  digestOf,
  fromStatic,
  isOciError,
  parseScopes,
  readAll,
  type BlobContent,
  type CallOptions,
  type ManifestDocument,
  type UploadSession,
} from "@drayage/oci";
import {
  createArtifact,
  createImage,
  leaksOf,
  type LedgerEntry,
  type ScriptedRegistry,
} from "@drayage/testkit";
import fc from "fast-check";
import { expect, it } from "vitest";
import { hostilities, knownHostilities, rulesOf, type Hostility } from "../fixture/hostile-rules.ts";
import { openScripted } from "../fixture/scripted.ts";
import type { TraceEvent } from "./http/trace.ts";
import type { ClientOptions } from "./options.ts";
import type { RegistryClient } from "./registry.ts";
import type { RepositoryClient } from "./repository.ts";

const image = createImage({ layers: [{ size: 3000 }] });
const referrer = createArtifact({ artifactType: "text/plain", subject: image.document.descriptor });
const [layer = image.config] = image.layers;
const { digest } = layer.descriptor;
const { descriptor } = image.document;

const home = "registry.test";
const elsewhere = "elsewhere.test";
const password = "canary-of-the-password";
const privateHeader = "canary-of-the-header";
const canaries = [password, privateHeader].map((secret) => ({ secret, origins: [home] }));
const reasonToLeave = new Error("left");
/** Far more than any of the methods needs; where there is no end, there is no end to the requests either. */
const manyRequests = 100;

type MethodOf<Type> = {
  [Key in keyof Type]-?: Type[Key] extends (...args: never[]) => unknown ? Key : never;
}[keyof Type];
/** What is done with a method; fails if it gives something else than what was asked for. */
type Use<Subject> = (subject: Subject, options: CallOptions & { readonly url: string }) => Promise<unknown>;
type Uses<Subject, Method extends PropertyKey> = Readonly<Record<Method, readonly Use<Subject>[]>>;

const ofRegistry: Uses<RegistryClient, Exclude<MethodOf<RegistryClient>, "repository">> = {
  ping: [(registry, options) => registry.ping(options)],
  authorization: [(registry, options) => registry.authorization(parseScopes("repository:a:pull"), options)],
  listRepositories: [(registry, options) => Array.fromAsync(registry.listRepositories(options))],
};

const ofRepository: Uses<RepositoryClient, MethodOf<RepositoryClient>> = {
  getManifest: [
    async (repository, options) => isWhole(await repository.getManifest("v1", options)),
    async (repository, options) => {
      const document = await repository.getManifest(descriptor.digest, options);
      isWhole(document);
      expect(document.bytes).toEqual(image.document.bytes);
    },
    (repository, options) => repository.getManifest("v1", { ifNoneMatch: descriptor.digest, ...options }),
  ],
  headManifest: [
    (repository, options) => repository.headManifest("v1", options),
    async (repository, options) => {
      const found = await repository.headManifest(descriptor.digest, options);
      expect([undefined, descriptor.digest]).toContain(found?.digest);
    },
  ],
  putManifest: [
    (repository, options) => repository.putManifest(image.document, { tags: ["v1", "v2"], ...options }),
    (repository, options) => repository.putManifest(referrer.document, { ifNoneMatch: "*", ...options }),
  ],
  deleteManifest: [
    (repository, options) => repository.deleteManifest(descriptor.digest, options),
    (repository, options) => repository.deleteManifest(referrer.document.descriptor.digest, options),
  ],
  deleteTag: [
    (repository, options) => repository.deleteTag("v1", { ifMatch: descriptor.digest, ...options }),
    (repository, options) => repository.deleteTag("v1", { throwaway: true, ...options }),
  ],
  getBlob: [
    async (repository, options) => isLayer(await repository.getBlob(digest, options)),
    async (repository, options) =>
      read(await repository.getBlob(digest, { range: { start: 100, end: 199 }, ...options })),
    async (repository, options) =>
      read(await repository.getBlob(digest, { range: { suffix: 10 }, ...options })),
  ],
  getForeignBlob: [
    async (repository, { url, signal }) => {
      const urls = [`${url}/storage/library/app/${digest}`, `${url}/v2/library/app/blobs/${digest}`];
      await isLayer(await repository.getForeignBlob({ ...layer.descriptor, urls }, { signal }));
    },
  ],
  headBlob: [
    async (repository, options) => {
      expect([undefined, digest]).toContain((await repository.headBlob(digest, options))?.digest);
    },
  ],
  putBlob: [
    (repository, options) => repository.putBlob(layer.descriptor, layer.open, { force: true, ...options }),
    (repository, options) =>
      repository.putBlob(layer.descriptor, layer.open, { mountFrom: "library/base", ...options }),
  ],
  mountBlob: [
    (repository, options) => repository.mountBlob(digest, options),
    (repository, options) => repository.mountBlob(digest, { from: "library/base", ...options }),
  ],
  deleteBlob: [(repository, options) => repository.deleteBlob(digest, options)],
  openUpload: [
    async (repository, options) => upload(await repository.openUpload(options), options),
    async (repository, options) => {
      const { id } = await repository.openUpload(options);
      await upload(await repository.openUpload({ id, digest, ...options }), options);
    },
    async (repository, options) => (await repository.openUpload(options)).cancel(options),
  ],
  listTags: [(repository, options) => Array.fromAsync(repository.listTags(options))],
  listTagPages: [
    (repository, options) => Array.fromAsync(repository.listTagPages({ pageSize: 1, ...options })),
  ],
  listReferrers: [
    (repository, options) => Array.fromAsync(repository.listReferrers(descriptor.digest, options)),
    (repository, options) =>
      Array.fromAsync(
        repository.listReferrers(descriptor.digest, { artifactType: "text/plain", ...options }),
      ),
  ],
};

const uses: readonly (readonly [string, Use<RegistryClient>])[] = [
  ...titled(ofRegistry),
  ...titled(ofRepository).map(([title, use]) => [title, inRepository(use)] as const),
];

it.concurrent.each(uses)(
  "%s comes to an end whatever is answered, and goes nowhere else",
  async (_title, use) => {
    const leaves = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 8 });
    const property = fc.asyncProperty(hostilities, leaves, async (hostile, leaveAt) => {
      const { ledger, error, shown } = await endOf(use, { hostile, leaveAt });
      const isExpected = error === undefined || error === reasonToLeave || isOciError(error);
      if (!isExpected) throw new Error("it ended with what is no OciError", { cause: error });
      expect(ledger.length).toBeLessThan(manyRequests);
      expect(ledger.filter((entry) => isAstray(entry, hostile))).toEqual([]);
      expect(leaksOf(canaries, { ledger, values: [error, shown] })).toEqual([]);
    });
    const examples = knownHostilities.map((hostile): Example => [hostile, undefined]);
    await fc.assert(property, { examples, numRuns: 30, timeout: 10_000 });
  },
);

type Example = [readonly Hostility[], number | undefined];

interface Circumstances {
  readonly hostile: readonly Hostility[];
  /** After how many of the client's events the caller leaves, if it does. */
  readonly leaveAt: number | undefined;
}

/** What came of it: what the servers received, and all that the client let out. */
async function endOf(use: Use<RegistryClient>, { hostile, leaveAt }: Circumstances) {
  const controller = new AbortController();
  const shown: TraceEvent[] = [];
  const trace = (event: TraceEvent): void => {
    shown.push(event);
    if (shown.length === leaveAt) controller.abort(reasonToLeave);
  };
  const auth = { bearer: { users: { me: password }, realm: home } };
  await using opened = await openScripted({ origins: [home, elsewhere], auth }, (server) => ({
    ...optionsFor(server),
    trace,
  }));
  const { server, client } = opened;
  await server.content.add("library/app", image, { tags: ["v1"] });
  await server.content.add("library/app", referrer);
  const url = server.url();
  const places = { HOME: url, ELSEWHERE: server.url(elsewhere), ADDRESS: url.replace(home, "127.0.0.1") };
  server.script(rulesOf(hostile, places));
  const ended = use(client.registry(server.host()), { signal: controller.signal, url });
  const error: unknown = await ended.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { ledger: server.ledger, error, shown };
}

/** Small limits, and hardly any pause. */
function optionsFor(server: ScriptedRegistry): ClientOptions {
  const host = server.host();
  const headers = { "x-private": privateHeader };
  return {
    hosts: { [host]: { plainHttp: true, strictUploadHost: true, headers } },
    credentials: fromStatic(host, { username: "me", password }),
    network: { lookup: server.lookup },
    retry: { attempts: 2, minDelay: 0, maxDelay: 1, maxWait: 1 },
    limits: { manifestBytes: 10_000, pageBytes: 10_000, pages: 5, items: 50 },
    timeouts: { headers: 50, idle: 50 },
  };
}

/** Nothing is asked of an address; of a server elsewhere only what reads, behind a redirect, and without a proof. */
function isAstray({ origin, method, headers }: LedgerEntry, hostile: readonly Hostility[]): boolean {
  if (headers["host"]?.startsWith(`${origin}:`) !== true) return true;
  if (origin === home) return false;
  const isReading = method === "GET" || method === "HEAD";
  return !isReading || !hostile.some(leadsElsewhere) || headers["authorization"] !== undefined;
}

function leadsElsewhere({ status = 0, headers = {} }: Hostility): boolean {
  return status >= 300 && status < 400 && headers["location"]?.includes("ELSEWHERE") === true;
}

function inRepository(use: Use<RepositoryClient>): Use<RegistryClient> {
  return (registry, options) => use(registry.repository("library/app"), options);
}

function titled<Subject>(uses: Uses<Subject, string>): readonly (readonly [string, Use<Subject>])[] {
  return Object.entries(uses).flatMap(([name, list]) =>
    list.map((use, index) => [index === 0 ? name : `${name}, ${index + 1}.`, use] as const),
  );
}

function isWhole({ bytes, descriptor: { digest: named } }: ManifestDocument): void {
  expect(digestOf(bytes)).toBe(named);
}

async function isLayer(content: BlobContent): Promise<void> {
  expect(digestOf(await read(content))).toBe(digest);
}

async function read({ body }: BlobContent): Promise<Uint8Array> {
  return readAll(body, { limit: Number.POSITIVE_INFINITY });
}

async function upload(session: UploadSession, options: CallOptions): Promise<void> {
  await session.append(await layer.open(session.offset), options);
  await session.status(options);
  const committed = await session.commit(digest, options);
  expect(committed.digest).toBe(digest);
}
