import { OciError } from "@drayage/oci";
import { Agent, type Dispatcher } from "undici";
import type { Host } from "../host.ts";
import type { Settings } from "../options.ts";
import { createDial } from "./dial.ts";
import type { Lane } from "./message.ts";

export type { Dispatcher } from "undici";

/** The connections of a client, apart for each registry, so that none uses what another was allowed to dial. */
export interface Agents {
  dispatcher(host: Host, lane: Lane): Dispatcher;
  /** Ends every connection of our own; what is under way there fails. */
  close(): Promise<void>;
}

interface HostAgents {
  readonly api: Agent;
  readonly blobs: Agent;
}

// Some registries send more than Node's 16 KiB: https://github.com/actions/attest-build-provenance/issues/606
const maxHeaderSize = 64 * 1024;

export function createAgents(settings: Settings): Agents {
  const agents = new Map<string, HostAgents>();
  const closing = new AbortController();
  const agentsOf = (host: Host): HostAgents => {
    const key = `${host.name} ${host.url.origin}`;
    const found = agents.get(key) ?? createHostAgents(host, { ...settings, closed: closing.signal });
    agents.set(key, found);
    return found;
  };
  return {
    dispatcher(host, lane) {
      if (closing.signal.aborted)
        throw new OciError("CONNECTION_FAILED", "the client is closed", { retryable: false });
      return settings.dispatcher ?? agentsOf(host)[lane === "api" ? "api" : "blobs"];
    },
    async close() {
      const all = [...agents.values()].flatMap(({ api, blobs }) => [api, blobs]);
      agents.clear();
      const ends = [...new Set(all)].map((agent) => agent.destroy());
      // Of connections that are only about to be made an agent does not know yet.
      closing.abort();
      await Promise.all(ends);
    },
  };
}

/**
 * HTTP/2 carries many small answers over one connection; for blobs its flow control windows make it many times
 * slower than HTTP/1.1, which gets a connection for each of them. Their number is bounded by whoever asks: a fixed
 * one could fill with downloads that wait for an upload to the same host. Without TLS there is no HTTP/2 to speak of, and
 * blobs take the connections that are there.
 */
function createHostAgents(
  host: Host,
  { network, proxyFor, timeouts, closed }: Settings & { readonly closed: AbortSignal },
): HostAgents {
  const dial = createDial(host, { network, proxyFor, timeout: timeouts.connect, signal: closed });
  const blobs = new Agent({ maxHeaderSize, allowH2: false, connect: dial({ allowH2: false }) });
  if (host.url.protocol === "http:") return { api: blobs, blobs };
  return { api: new Agent({ maxHeaderSize, allowH2: true, connect: dial({ allowH2: true }) }), blobs };
}
