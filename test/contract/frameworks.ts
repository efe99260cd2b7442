import { once } from "node:events";
import { createServer, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Registry } from "@drayage/oci";
import {
  createExpressMiddleware,
  createFastifyPlugin,
  createFetchHandler,
  createHonoMiddleware,
  type HandlerOptions,
} from "@drayage/registry";
import express from "express";
import express4 from "express-4";
import Fastify from "fastify";
import { Hono } from "hono";

/** A registry inside of an application. */
export interface Mounted {
  readonly url: string;
  readonly host: string;
  close(): Promise<void>;
}

type Mount = (registry: Registry, options?: HandlerOptions) => Promise<Mounted>;

/** Each framework with an application that answers `GET /hello` itself, and has a registry beside that. */
export const frameworks: readonly (readonly [name: string, mount: Mount])[] = [
  ["Express 5", (registry, options) => mountOnExpress(express, registry, options)],
  ["Express 4", (registry, options) => mountOnExpress(express4, registry, options)],
  ["Fastify", mountOnFastify],
  ["Hono", mountOnHono],
  ["fetch", mountOnFetch],
];

async function mountOnExpress(
  framework: typeof express,
  registry: Registry,
  options?: HandlerOptions,
): Promise<Mounted> {
  const app = framework();
  app.use(createExpressMiddleware(registry, options));
  app.use(framework.json());
  app.all("/hello", (request, response) => void response.json({ hello: aOf(request.body) }));
  return startServer(createServer(app));
}

async function mountOnFastify(registry: Registry, options?: HandlerOptions): Promise<Mounted> {
  const app = Fastify({ forceCloseConnections: true });
  await app.register(createFastifyPlugin(registry, options));
  app.all("/hello", async (request) => ({ hello: aOf(request.body) }));
  await app.ready();
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  return { url, host: url.replace("http://", ""), close: () => app.close() };
}

async function mountOnHono(registry: Registry, options?: HandlerOptions): Promise<Mounted> {
  const app = new Hono();
  app.use(createHonoMiddleware(registry, options));
  app.all("/hello", async (context) =>
    context.json({ hello: context.req.method === "GET" ? null : aOf(await context.req.json()) }),
  );
  return startServer(serverOf(app.fetch));
}

async function mountOnFetch(registry: Registry, options?: HandlerOptions): Promise<Mounted> {
  const handle = createFetchHandler(registry, options);
  const answer = async (request: Request): Promise<Response> =>
    request.url.endsWith("/hello")
      ? Response.json({ hello: request.body === null ? null : aOf(await request.json()) })
      : handle(request);
  return startServer(serverOf(answer));
}

function serverOf(fetch: (request: Request, env: never) => Response | Promise<Response>): Server {
  // The adapter types a server of either protocol, and makes one of HTTP/1 unless told otherwise.
  const server = createAdaptorServer({ fetch: (request, env) => fetch(request, env as never) });
  if (server instanceof Server) return server;
  throw new Error("no server of HTTP/1");
}

/** Lets `server` listen until it is closed. */
export async function startServer(server: Server): Promise<Mounted> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  return {
    url: `http://${host}`,
    host,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** What the application makes of a body. */
function aOf(body: unknown): unknown {
  return typeof body === "object" && body !== null && "a" in body ? body.a : null;
}
