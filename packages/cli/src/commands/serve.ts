import { once } from "node:events";
import { isLoopback, isOciError, readOnly, type CallOptions, type StorageDriver } from "@drayage/oci";
import {
  createHandler,
  createRegistry,
  healthEndpoints,
  listen,
  probeStorage,
  type HandlerOptions,
} from "@drayage/registry";
import { accessOptions, openAccess, parseAccess, type Access } from "../access.ts";
import { openAccessLog } from "../access-log.ts";
import { defineCommand, type Command, type Invocation } from "../command.ts";
import { readConfigFile } from "../config-file.ts";
import { parseDuration } from "../duration.ts";
import { exitStatus } from "../exit.ts";
import { withHint } from "../hint.ts";
import { optionError } from "../option-error.ts";
import { openStorage, parseStorage } from "../storage.ts";
import { readTlsFiles, tlsOptions } from "../tls-files.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

const exclusiveWarning =
  "This S3 store has no conditional writes: see to it that nobody else serves the same bucket and prefix.";
const publicWarning = "Whoever reaches this address can push and delete; --htpasswd asks who it is.";
const plainWarning = "Passwords cross the network unencrypted, unless something in front of this speaks TLS.";
const memoryWarning = "Content is kept in memory; --storage DIR keeps it on disk.";

const options = {
  listen: {
    type: "string",
    value: "HOST:PORT",
    help: "where to listen (127.0.0.1:5000); port 0 takes a free one",
  },
  storage: {
    type: "string",
    value: "DIR",
    isPath: true,
    help: "where content is kept: a directory, s3://BUCKET/PREFIX, or memory:, which forgets it at the end (memory:)",
  },
  "s3-endpoint": {
    type: "string",
    value: "URL",
    help: "the S3 store, if it is not Amazon's (AWS_ENDPOINT_URL_S3)",
  },
  "read-only": { type: "boolean", help: "refuse every change" },
  ...accessOptions,
  ...tlsOptions,
  "access-log": {
    type: "string",
    value: "FILE",
    isPath: true,
    help: "append a line of JSON for every request; - prints it",
  },
  grace: {
    type: "string",
    value: "TIME",
    help: "how long requests under way may go on once the server is to stop (20s)",
  },
} as const;

type ServeInvocation = Invocation<typeof options>;

export const serve: Command = defineCommand({
  summary: "Serves a registry until it is interrupted.",
  operands: [],
  notes: [
    "The URL is printed once requests are answered.",
    "Without --htpasswd and --policy, whoever can reach the address can read and write; with --htpasswd alone, whoever the file knows can.",
    "/livez tells whether the server lives, and /readyz whether its storage takes what it is given, to whoever asks.",
    "What an upload has sent when the server stops is kept, and its client can go on from there.",
  ],
  options: {
    ...options,
    config: {
      type: "string",
      value: "FILE",
      help: "take from this file of YAML or JSON the options that the command line leaves out; paths begin at its folder",
    },
  },
  async run({ values: { config, ...given }, ...invocation }) {
    if (config === undefined) return run({ values: given, ...invocation });
    const file = await readConfigFile(config, options);
    try {
      return await run({ values: { ...file.values, ...given }, ...invocation });
    } catch (error) {
      throw file.locate(error);
    }
  },
});

async function run({ values, print, signal }: Omit<ServeInvocation, "operands">) {
  const address = parseAddress(values.listen ?? "127.0.0.1:5000");
  const access = parseAccess(values, address.host);
  const grace = parseDuration(values.grace ?? "20s", "grace");
  const tls = await readTlsFiles(values);
  const isReadOnly = values["read-only"] === true;
  const storage = parseStorage(values.storage ?? "memory:");
  const s3Endpoint = values["s3-endpoint"] ?? process.env["AWS_ENDPOINT_URL_S3"];
  const driver = await openStorage(storage, { s3Endpoint, isReadOnly, signal });
  if (!isReadOnly) await requireWritable(driver, { signal });
  const registry = createRegistry(driver);
  const served = isReadOnly ? readOnly(registry) : registry;
  const onError: HandlerOptions["onError"] = (error, { id, method, path }) => {
    const reason = error instanceof Error ? error.message : String(error);
    print.note(`${method} ${path} failed: ${reason} (request ${id})`);
  };
  let url = ""; // nobody asks before the server listens
  const guarding = await openAccess(access, {
    documents: driver.documents,
    url: () => url,
    note: (message) => print.note(message),
  });
  const log =
    values["access-log"] === undefined ? undefined : await openAccessLog(values["access-log"], print);
  const onResponse: HandlerOptions["onResponse"] = log && ((request) => log.write(request));
  const endpoints = { ...guarding.endpoints, ...healthEndpoints(driver, { isReadOnly }) };
  const handler = createHandler(served, { ...guarding, endpoints, onError, onResponse });
  const server = await listen(handler, { ...address, tls });
  url = server.url;
  try {
    print.result({ url: server.url, host: server.host }, server.url);
    const hasTls = tls !== undefined;
    for (const warning of warningsOf(access, { host: server.host, isReadOnly, hasTls })) print.note(warning);
    if (values.storage === undefined) print.note(memoryWarning);
    if (storage.kind === "s3" && driver.exclusive && !isReadOnly) print.note(exclusiveWarning);
    if (!signal.aborted) await once(signal, "abort");
  } finally {
    await server.close({ grace });
    await log?.close();
  }
  return exitStatus.done;
}

/** What to know of an address that other machines reach. */
function warningsOf(
  { htpasswd, policy }: Access,
  {
    host,
    isReadOnly,
    hasTls,
  }: { readonly host: string; readonly isReadOnly: boolean; readonly hasTls: boolean },
): readonly string[] {
  if (isLoopback(host)) return [];
  if (htpasswd !== undefined) return hasTls ? [] : [plainWarning];
  return isReadOnly || policy !== undefined ? [] : [publicWarning];
}

/** Fails now rather than at the first push. @throws OciError UNAVAILABLE, STORAGE_FULL */
async function requireWritable(driver: StorageDriver, { signal }: CallOptions): Promise<void> {
  try {
    await probeStorage(driver, { signal });
  } catch (error) {
    if (!isOciError(error)) throw error;
    throw withHint(error, "--storage needs a place that can be written to; with --read-only it need not be");
  }
}

/** The host and port of `HOST:PORT`, where an IPv6 address is in brackets. */
function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, Math.max(colon, 0));
  const port = text.slice(colon + 1);
  const isPort = /^[0-9]{1,5}$/.test(port) && Number(port) <= 65_535;
  if (host !== "" && isPort) return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
  throw optionError("listen", `--listen needs HOST:PORT, not "${text}"`);
}
