import { readFileSync } from "node:fs";
import * as oci from "@drayage/oci";
import * as migration from "@drayage/oci/migration";
import { expect, test } from "vitest";
import * as client from "./index.ts";
import type { ClientOptions, FetchManifestOptions, HostOptions } from "./index.ts";

// Walks the table of the README that leads from the earlier library here.

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const section = readme.slice(readme.indexOf("## Coming from @cloudydeno/docker-registry-client"));

/** Every public name of version 0.7 of the earlier library, by the heading of its table. */
const earlier: Readonly<Record<string, readonly string[]>> = {
  "Entry point": [".", "./common", "./errors", "./docker-json-client", "./registry-client-v2", "./types"],
  "Function or constant": namesIn(`
    RegistryClientV2 DockerJsonClient digestFromManifestStr parseRepo parseRepoAndRef parseRepoAndTag
    parseIndex urlFromIndex isLocalhost splitIntoTwo DEFAULT_INDEX_NAME DEFAULT_INDEX_URL
    DEFAULT_LOGIN_SERVERNAME DEFAULT_TAG DEFAULT_USERAGENT MEDIATYPE_MANIFEST_V2
    MEDIATYPE_MANIFEST_LIST_V2 MEDIATYPE_OCI_MANIFEST_V1 MEDIATYPE_OCI_MANIFEST_INDEX_V1
  `),
  Option: namesIn(`
    name repo username password token insecure scheme acceptOCIManifests acceptManifestLists userAgent
    scopes client
  `),
  "Field or method": namesIn(`
    version ping supportsV2 performLogin login _getToken listTags listAllTags listTagsPaginated
    getManifest putManifest deleteManifest headBlob createBlobReadStream blobUpload _makeHttpRequest
    _headOrGetBlob
  `),
  Parameter: namesIn(`
    headers expectStatus scope pingRes pageSize startingAfter ref followRedirects manifestData
    schemaVersion mediaType digest stream contentLength contentType
  `),
  Endpoint: namesIn(`
    ping listTags getManifest putManifest deleteManifest createBlobReadStream headBlob startBlobUpload
    getBlobUploadStatus uploadBlobChunk completeBlobUpload cancelBlobUpload deleteBlob listRepositories
  `),
  Error: namesIn(`
    ApiError RegistryApiError HttpError RegistryHttpError BadDigestError InvalidContentError
    InternalError ManifestVerificationError InvalidManifestError DownloadError UploadError
    TooManyRedirectsError
  `),
  "Type or member of an answer": namesIn(`
    DockerResponse dockerBody dockerJson dockerErrors dockerThrowable dockerStream resp errors ByteArray
    RegistryIndex RegistryRepo RegistryImage TagList Manifest ManifestV2 ManifestOCI ManifestV2List
    ManifestOCIIndex ManifestV2Descriptor ManifestOCIDescriptor RegistryClientOpts AuthInfo
    RegistryError
  `),
};

function namesIn(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

interface Row {
  readonly table: string;
  readonly name: string;
  readonly here: string;
}

function rowsOf(markdown: string): readonly Row[] {
  return markdown.split("\n\n").flatMap((block) => {
    const [head, , ...lines] = block.split("\n").filter((line) => line.startsWith("|"));
    const table = head === undefined ? "" : cellsOf(head)[0];
    return lines.map(cellsOf).map(([name = "", ...cells]) => ({
      table: table ?? "",
      name: name.replaceAll("`", ""),
      here: cells.at(-1) ?? "",
    }));
  });
}

function cellsOf(line: string): readonly string[] {
  return line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
}

const rows = rowsOf(section);

test.each(Object.entries(earlier))("%s: every name has a row, and no other", (table, names) => {
  const listed = rows.filter((row) => row.table === table).map(({ name }) => name);
  expect(listed).toEqual(names);
});

test("there are no tables beside these", () => {
  expect([...new Set(rows.map(({ table }) => table))]).toEqual(Object.keys(earlier));
});

type Members<Type> = { readonly [Key in keyof Type]-?: true };

/** What only the compiler knows: the members of types, which it holds against these lists. */
const members: Readonly<Record<string, Readonly<Record<string, true>>>> = {
  ClientOptions: {
    credentials: true,
    hosts: true,
    network: true,
    dispatcher: true,
    budget: true,
    concurrency: true,
    retry: true,
    limits: true,
    timeouts: true,
    minRate: true,
    trace: true,
    trustedTokenServers: true,
    userAgent: true,
    now: true,
  } satisfies Members<ClientOptions>,
  HostOptions: {
    plainHttp: true,
    insecure: true,
    ca: true,
    cert: true,
    key: true,
    headers: true,
    strictUploadHost: true,
    mirrors: true,
    quirks: true,
  } satisfies Members<HostOptions>,
  FetchManifestOptions: {
    signal: true,
    ifNoneMatch: true,
    accept: true,
    followRedirects: true,
  } satisfies Members<FetchManifestOptions>,
  ListOptions: { signal: true, after: true, pageSize: true } satisfies Members<oci.ListOptions>,
  HttpRequest: { method: true, url: true, headers: true, body: true } satisfies Members<oci.HttpRequest>,
  UploadSession: {
    id: true,
    offset: true,
    minChunk: true,
    append: true,
    status: true,
    commit: true,
    cancel: true,
  } satisfies Members<oci.UploadSession>,
};

const exampleClient = client.createClient();
const registry = exampleClient.registry("registry.example.com");
const repository = registry.repository("app");
const known = { status: 404, method: "GET", url: "https://a/", requestId: "1", registryErrors: [] };
const objects: Readonly<Record<string, object>> = {
  Client: exampleClient,
  RegistryClient: registry,
  RepositoryClient: repository,
  Repository: repository,
  OciError: new oci.OciError("UNKNOWN", "", known),
  dockerHub: oci.dockerHub,
  mediaType: oci.mediaType,
  ReadableStream,
};

const exported = new Set([
  ...[client, oci, migration].flatMap((module) => Object.keys(module)),
  ...["./index.ts", "../../oci/src/index.ts"].flatMap(exportedTypes),
  "Uint8Array",
]);

/** The names of types that a list of exports mentions. */
function exportedTypes(path: string): readonly string[] {
  const text = readFileSync(new URL(path, import.meta.url), "utf8");
  const groups = [...text.matchAll(/export (type )?\{([^}]*)\}/g)];
  return groups.flatMap(([, isTypes, names = ""]) =>
    names
      .split(",")
      .map((name) => name.trim())
      .filter((name) => isTypes !== undefined || name.startsWith("type "))
      .map((name) => name.replace("type ", "")),
  );
}

const modules = ["@drayage/client", "@drayage/oci", "@drayage/oci/migration"];

const errors = readFileSync(new URL("../../oci/src/errors.ts", import.meta.url), "utf8");
const errorCodes = new Set([...errors.matchAll(/^ {2}\| "([A-Z_]+)"/gm)].map(([, code]) => code));

function exists(text: string): boolean {
  const [name = "", member] = text.replace(/\(.*/, "").split(".");
  if (modules.includes(text) || errorCodes.has(text)) return true;
  if (member === undefined) return exported.has(name);
  const object = objects[name];
  return object === undefined ? members[name]?.[member] === true : member in object;
}

const mentioned = rows.flatMap(({ name, here }) =>
  [...here.matchAll(/`([^`]+)`/g)].map(([, text = ""]): readonly [string, string] => [name, text]),
);

test.each(mentioned)("%s: there is %s", (_name, text) => {
  expect(exists(text)).toBe(true);
});

test("what is not there is noticed", () => {
  for (const text of ["Client.fetch", "ClientOptions.agent", "getRepo", "NOT_A_CODE", "mediaType.tar"]) {
    expect(exists(text)).toBe(false);
  }
});

test("every row that names nothing says why", () => {
  const silent = rows.filter(({ here }) => !here.includes("`"));
  for (const { here } of silent) expect(here).toMatch(/^(not |was |there is no|the (size|code)|nothing )/);
});

const tableOf = (title: string): string => {
  const start = readme.indexOf(`\n## ${title}\n`);
  return readme.slice(start, readme.indexOf("\n## ", start + 4));
};

test("every option has its row in the table of options", () => {
  const names = rowsOf(tableOf("Options")).map(({ name }) => name);
  expect(names).toEqual(Object.keys(members["ClientOptions"] ?? {}));
});

test("every code in the table of errors is one", () => {
  const codes = rowsOf(tableOf("Errors")).flatMap(({ name }) => name.split(", "));
  expect(codes.length).toBeGreaterThan(20);
  expect(codes.filter((code) => !errorCodes.has(code))).toEqual([]);
});
