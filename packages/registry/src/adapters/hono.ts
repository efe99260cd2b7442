import { Socket } from "node:net";
import { parseObject, type Registry } from "@drayage/oci";
import type { Peer } from "../auth/authenticate.ts";
import { peerOf } from "../auth/peer.ts";
import type { HandlerOptions } from "../options.ts";
import { createFetchHandler } from "./fetch.ts";
import { createPathFilter } from "./paths.ts";

/** What a registry needs of Hono. */
export type HonoMiddleware = (
  context: { readonly req: { readonly raw: Request; readonly path: string }; readonly env?: unknown },
  next: () => Promise<void>,
) => Promise<Response | void>;

/**
 * The distribution-spec over `registry` for a Hono application, which keeps all other paths.
 *
 * Over `@hono/node-server` it knows the client's address and certificate.
 *
 * @see https://hono.dev/docs/guides/middleware
 * @example
 * const app = new Hono();
 * app.use(createHonoMiddleware(createRegistry(createMemoryDriver())));
 */
export function createHonoMiddleware(registry: Registry, options: HandlerOptions = {}): HonoMiddleware {
  const handle = createFetchHandler(registry, options);
  const isOurs = createPathFilter(options);
  return async ({ req, env }, next) => {
    if (!isOurs(req.path)) return next();
    return handle(req.raw, { peer: knownPeer(env) });
  };
}

/** The other end of the connection, which `@hono/node-server` hands on as Node's own objects. */
function knownPeer(env: unknown): Peer | undefined {
  const socket = parseObject(parseObject(env)?.["incoming"])?.["socket"];
  return socket instanceof Socket ? peerOf(socket) : undefined;
}
