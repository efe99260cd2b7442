import type { Server } from "node:http";
import type { Registry } from "@drayage/oci";
import type { Handler } from "./handler.ts";
import type { HandlerOptions } from "./options.ts";

export interface TestRegistryOptions extends HandlerOptions {
  /** What to serve; a registry in memory by default. */
  readonly registry?: Registry | undefined;
}

/** A registry for the tests of other programs. */
export interface TestRegistry extends AsyncDisposable {
  /** Such as `http://127.0.0.1:49152`. */
  readonly url: string;
  /** As references name it: `127.0.0.1:49152`. */
  readonly host: string;
  /** What is served, to fill it and to look into it without HTTP. */
  registry(): Promise<Registry>;
  /** Ends it with all its connections. */
  close(): Promise<void>;
}

/**
 * A registry on a free port of this machine, which forgets everything in the end.
 *
 * It costs next to nothing until the first request: only then is what it consists of loaded.
 *
 * @example
 * await using registry = await createTestRegistry();
 * const response = await fetch(`${registry.url}/v2/`);
 */
export async function createTestRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  let loaded: Promise<Loaded> | undefined;
  const load = (): Promise<Loaded> => (loaded ??= open(options));

  // Importing it by name would load the WebSocket client that it exports too, which takes longer than all the rest.
  const server = process.getBuiltinModule("node:http").createServer({ requestTimeout: 0 });
  const serve = (...[request, response, how]: Parameters<Handler>): void => {
    load().then(
      ({ handler }) => handler(request, response, how),
      (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
    );
  };
  server.on("request", (request, response) => serve(request, response));
  server.on("checkContinue", (request, response) => serve(request, response, { awaitsContinue: true }));
  const host = `127.0.0.1:${await listening(server)}`;
  const close = (): Promise<void> => closed(server);
  return {
    url: `http://${host}`,
    host,
    registry: async () => (await load()).registry,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Loaded {
  readonly registry: Registry;
  readonly handler: Handler;
}

async function open({ registry: given, ...options }: TestRegistryOptions): Promise<Loaded> {
  const { createHandler, createMemoryDriver, createRegistry } = await import("./index.ts");
  const registry = given ?? createRegistry(createMemoryDriver());
  return { registry, handler: createHandler(registry, options) };
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve()); // also if it is closed already
    server.closeAllConnections();
  });
}
