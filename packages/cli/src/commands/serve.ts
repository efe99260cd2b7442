import { once } from "node:events";
import { OciError, readOnly, type Registry } from "@drayage/oci";
import {
  createFilesystemDriver,
  createHandler,
  createMemoryDriver,
  createRegistry,
  listen,
  type HandlerOptions,
} from "@drayage/registry";
import { defineCommand, type Command } from "../command.ts";
import { exitStatus } from "../exit.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

export const serve: Command = defineCommand({
  summary: "Serves a registry until it is interrupted.",
  operands: [],
  notes: ["The URL is printed once requests are answered. Whoever can reach the address can read and write."],
  options: {
    listen: {
      type: "string",
      value: "HOST:PORT",
      help: "where to listen (127.0.0.1:5000); port 0 takes a free one",
    },
    storage: {
      type: "string",
      value: "DIR",
      help: "where content is kept; memory: forgets it at the end (memory:)",
    },
    "read-only": { type: "boolean", help: "refuse every change" },
  },
  async run({ values, print, signal }) {
    const address = parseAddress(values.listen ?? "127.0.0.1:5000");
    const registry = openStorage(values.storage ?? "memory:");
    const served = values["read-only"] === true ? readOnly(registry) : registry;
    const onError: HandlerOptions["onError"] = (error, { id, method, path }) => {
      const reason = error instanceof Error ? error.message : String(error);
      print.note(`${method} ${path} failed: ${reason} (request ${id})`);
    };
    const server = await listen(createHandler(served, { onError }), address);
    try {
      print.result({ url: server.url, host: server.host }, server.url);
      if (values.storage === undefined)
        print.note("Content is kept in memory; --storage DIR keeps it on disk.");
      if (!signal.aborted) await once(signal, "abort");
    } finally {
      await server.close();
    }
    return exitStatus.done;
  },
});

function openStorage(storage: string): Registry {
  // A variable that is not set must not fill the current folder, nor another scheme a folder of its name.
  if (storage === "" || (storage !== "memory:" && /^[a-z][a-z0-9]+:/.test(storage))) {
    throw new OciError("OPTION_INVALID", `--storage needs a directory or memory:, not "${storage}"`);
  }
  return createRegistry(storage === "memory:" ? createMemoryDriver() : createFilesystemDriver(storage));
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
