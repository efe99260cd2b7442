import { once } from "node:events";
import {
  isLoopback,
  isOciError,
  OciError,
  readOnly,
  type CallOptions,
  type StorageDriver,
} from "@drayage/oci";
import { createHandler, createRegistry, listen, type HandlerOptions } from "@drayage/registry";
import { accessOptions, openAccess, parseAccess, type Access } from "../access.ts";
import { defineCommand, type Command } from "../command.ts";
import { exitStatus } from "../exit.ts";
import { withHint } from "../hint.ts";
import { openStorage, parseStorage } from "../storage.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

const exclusiveWarning =
  "This S3 store has no conditional writes: see to it that nobody else serves the same bucket and prefix.";
const publicWarning = "Whoever reaches this address can push and delete; --htpasswd asks who it is.";
const plainWarning = "Passwords cross the network unencrypted, unless something in front of this speaks TLS.";
const memoryWarning = "Content is kept in memory; --storage DIR keeps it on disk.";

export const serve: Command = defineCommand({
  summary: "Serves a registry until it is interrupted.",
  operands: [],
  notes: [
    "The URL is printed once requests are answered.",
    "Without --htpasswd and --policy, whoever can reach the address can read and write; with --htpasswd alone, whoever the file knows can.",
  ],
  options: {
    listen: {
      type: "string",
      value: "HOST:PORT",
      help: "where to listen (127.0.0.1:5000); port 0 takes a free one",
    },
    storage: {
      type: "string",
      value: "DIR",
      help: "where content is kept: a directory, s3://BUCKET/PREFIX, or memory:, which forgets it at the end (memory:)",
    },
    "s3-endpoint": {
      type: "string",
      value: "URL",
      help: "the S3 store, if it is not Amazon's (AWS_ENDPOINT_URL_S3)",
    },
    "read-only": { type: "boolean", help: "refuse every change" },
    ...accessOptions,
  },
  async run({ values, print, signal }) {
    const address = parseAddress(values.listen ?? "127.0.0.1:5000");
    const access = parseAccess(values, address.host);
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
    const server = await listen(createHandler(served, { ...guarding, onError }), address);
    url = server.url;
    try {
      print.result({ url: server.url, host: server.host }, server.url);
      for (const warning of warningsOf(access, { host: server.host, isReadOnly })) print.note(warning);
      if (values.storage === undefined) print.note(memoryWarning);
      if (storage.kind === "s3" && driver.exclusive && !isReadOnly) print.note(exclusiveWarning);
      if (!signal.aborted) await once(signal, "abort");
    } finally {
      await server.close();
    }
    return exitStatus.done;
  },
});

/** What to know of an address that other machines reach. */
function warningsOf(
  { htpasswd, policy }: Access,
  { host, isReadOnly }: { readonly host: string; readonly isReadOnly: boolean },
): readonly string[] {
  if (isLoopback(host)) return [];
  if (htpasswd !== undefined) return [plainWarning];
  return isReadOnly || policy !== undefined ? [] : [publicWarning];
}

/** Fails now rather than at the first push. @throws OciError UNAVAILABLE, STORAGE_FULL */
async function requireWritable({ documents }: StorageDriver, { signal }: CallOptions): Promise<void> {
  const key = "probe";
  try {
    await documents.put(key, new Uint8Array(), { signal });
    await documents.delete(key, { signal });
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
  throw new OciError("OPTION_INVALID", `--listen needs HOST:PORT, not "${text}"`);
}
