import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { OciError, parseRoute, type Registry } from "@drayage/oci";
import { createBody } from "./http/body.ts";
import {
  emptyReply,
  operationOf,
  type Call,
  type Limits,
  type Operations,
  type Reply,
} from "./http/exchange.ts";
import { createConnectionTurns } from "./http/turns.ts";
import { failureReply, isServerFault } from "./http/failure.ts";
import { respond } from "./http/respond.ts";
import { operationsOf } from "./http/route-table.ts";

export interface HandlerOptions {
  readonly limits?: Partial<Limits> | undefined;
  /** How long a client may neither send nor take anything in the middle of a body, in milliseconds; a minute by default. */
  readonly idleTimeout?: number | undefined;
  /** Where clients reach this registry, such as `https://registry.example.com`; a `Location` is only a path by default. */
  readonly publicUrl?: string | undefined;
  /** Is told what was answered with a 5xx, since the answer itself tells nothing. */
  readonly onError?: ((error: unknown, request: FailedRequest) => void) | undefined;
}

export interface FailedRequest {
  readonly id: string;
  readonly method: string;
  readonly path: string;
}

/** Serves one request; fit for `node:http` and for whatever mounts such listeners, under no path prefix. */
export type Handler = (request: IncomingMessage, response: ServerResponse, how?: ServeOptions) => void;

export interface ServeOptions {
  /** The client waits for `100 Continue`, and the server leaves it to us. */
  readonly awaitsContinue?: boolean | undefined;
}

const defaultLimits: Limits = {
  manifestBytes: 4 * 1024 * 1024,
  listEntries: 10_000,
  referrerBytes: 1024 * 1024,
};

/**
 * The distribution-spec over `registry`, whatever that is: stored, in memory, or far away.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 * @example await using server = await listen(createHandler(createRegistry(createMemoryDriver())));
 */
export function createHandler(registry: Registry, options: HandlerOptions = {}): Handler {
  const { idleTimeout = 60_000, onError = () => undefined } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const inTurn = createConnectionTurns();
  const origin = parseOrigin(options.publicUrl);

  return (request, response, how = {}) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort(new OciError("CONNECTION_FAILED", "the client has gone")));
    const id = requestId(request);
    setCommonHeaders(response, id);
    const awaitsContinue = how.awaitsContinue === true;
    const body = createBody(request, response, { idleTimeout, awaitsContinue });
    const call = { headers: request.headers, body, signal: gone.signal, registry, limits };
    const sending = { idleTimeout, signal: gone.signal, received: body };

    const fail = (error: unknown): Reply => {
      const reply = failureReply(error);
      if (isServerFault(reply) && !gone.signal.aborted) onError(error, { id, ...lineOf(request) });
      return reply;
    };
    const serve = async (): Promise<void> => {
      const reply = locate(await answer(request, call).catch(fail), origin);
      if (response.destroyed) return;
      try {
        await respond(request, response, { reply, ...sending });
      } catch (error) {
        const failure = fail(error);
        // Half an answer is cut, so that nobody takes it for a whole one.
        if (response.headersSent) response.destroy();
        else await respond(request, response, { reply: failure, ...sending });
      }
    };
    inTurn(request, response, serve).catch(() => response.destroy());
  };
}

async function answer(request: IncomingMessage, around: Omit<Call, "repository">): Promise<Reply> {
  const { method, path } = lineOf(request);
  const route = parseRoute(path);
  if (route === undefined) throw new OciError("NAME_UNKNOWN", "there is nothing at this path");
  const operations = operationsOf(route);
  const operation = operationOf(operations, method);
  if (operation === undefined) return otherMethodReply(method, operations);
  const { access } = operation;
  return operation.answer({
    ...around,
    repository: (name) => around.registry.repository(name, { access }),
  });
}

/** The same answer, its `Location` with our origin: never one of which the request tells (S20). */
function locate(reply: Reply, origin: string): Reply {
  const { location } = reply.headers;
  return typeof location === "string" && origin !== ""
    ? { ...reply, headers: { ...reply.headers, location: origin + location } }
    : reply;
}

function parseOrigin(url = ""): string {
  if (url === "" || /^https?:\/\/[^/?#@\s]+\/?$/.test(url)) return url.replace(/\/$/, "");
  throw new OciError("OPTION_INVALID", `publicUrl is not the URL of a host: "${url}"`);
}

function otherMethodReply(method: string, operations: Operations): Reply {
  const allow = [...Object.keys(operations), "OPTIONS"].join(", ");
  if (method === "OPTIONS") return emptyReply(204, { allow });
  const reply = failureReply(new OciError("UNSUPPORTED", "this cannot be done here"));
  return { ...reply, headers: { ...reply.headers, allow } };
}

function setCommonHeaders(response: ServerResponse, id: string): void {
  response.setHeader("docker-distribution-api-version", "registry/2.0");
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("x-request-id", id);
}

/** The id that whoever is in front of us has given to the request, or a new one. */
function requestId({ headers }: IncomingMessage): string {
  const given = headers["x-request-id"]?.toString() ?? "";
  return /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID();
}

function lineOf({ method = "", url = "" }: IncomingMessage): {
  readonly method: string;
  readonly path: string;
} {
  return { method, path: url };
}
