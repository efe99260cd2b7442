import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { OciError, parseRepositoryName, parseRoute, type Registry } from "@drayage/oci";
import type { Authenticate, ChallengeFor } from "./auth/authenticate.ts";
import type { Authorize } from "./auth/authorize.ts";
import { createGuard, openGuard } from "./auth/guard.ts";
import { needsOf } from "./auth/needs.ts";
import { authenticationRequestOf } from "./auth/proof.ts";
import { visibleOf } from "./auth/visible.ts";
import { createBody } from "./http/body.ts";
import type { Endpoint, Endpoints } from "./http/endpoint.ts";
import {
  emptyReply,
  methodOf,
  type Limits,
  type Operations,
  type Reply,
  type RequestBody,
} from "./http/exchange.ts";
import { failureReply, isServerFault } from "./http/failure.ts";
import { requireHost } from "./http/host.ts";
import { respond } from "./http/respond.ts";
import { operationsOf } from "./http/route-table.ts";
import { createConnectionTurns } from "./http/turns.ts";

export interface HandlerOptions {
  /**
   * Finds out who sends a request. Without it and `authorize`, whoever reaches the handler may do everything; with
   * it alone, whoever it knows may.
   */
  readonly authenticate?: Authenticate | undefined;
  /** Decides what who sends a request may do. */
  readonly authorize?: Authorize | undefined;
  /** What to answer who has to prove more; a user name and password by default. */
  readonly challenge?: ChallengeFor | undefined;
  /**
   * Answers `GET /v2/` and the catalog without asking who is there, where anybody may pull anything. By default
   * everybody has to say so: there alone some clients learn how to log in.
   */
  readonly openBase?: boolean | undefined;
  /** What is served beside `/v2/`, by path. */
  readonly endpoints?: Endpoints | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /**
   * By which names a request may call this server, such as `localhost` or `registry.example.com:5000`; without a port
   * any is meant. By default any name will do, so that a page in a browser on this machine could have its own name
   * lead here: a server that needs no login names those that it has.
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /** How long a client may neither send nor take anything in the middle of a body, in milliseconds; a minute by default. */
  readonly idleTimeout?: number | undefined;
  /** Where clients reach this registry, such as `https://registry.example.com`; a `Location` is only a path by default. */
  readonly publicUrl?: string | undefined;
  /** Is told of failures: what was answered with a 5xx, since the answer itself tells nothing, and callbacks that answer what they must not. */
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
  descriptors: 1000,
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
    const report = (error: unknown): void => onError(error, { id, ...lineOf(request) });
    const around = { registry, options, limits, body, signal: gone.signal, report };
    const sending = { idleTimeout, signal: gone.signal, received: body };

    const fail = (error: unknown): Reply => {
      const reply = failureReply(error);
      if (isServerFault(reply) && !gone.signal.aborted) report(error);
      return reply;
    };
    const serve = async (): Promise<void> => {
      const reply = locate(await answer(request, around).catch(fail), origin);
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

/** What a request is answered in. */
interface Surroundings {
  readonly registry: Registry;
  readonly options: HandlerOptions;
  readonly limits: Limits;
  readonly body: RequestBody;
  readonly signal: AbortSignal;
  readonly report: (error: unknown) => void;
}

async function answer(request: IncomingMessage, around: Surroundings): Promise<Reply> {
  const { method, path } = lineOf(request);
  requireHost(request.headers.host, around.options.allowedHosts);
  const route = parseRoute(path);
  if (route === undefined) return answerBeside(request, around);
  const operations = operationsOf(route);
  const operation = methodOf(operations, method);
  if (operation === undefined) return otherMethodReply(method, operations);
  if ("name" in route) parseRepositoryName(route.name);

  const { options, registry, report, signal, limits, body } = around;
  const isOpen = options.authenticate === undefined && options.authorize === undefined;
  const guard = isOpen ? openGuard : createGuard({ ...options, report });
  const admission = await guard(request, needsOf(route, operation), { signal });
  if ("refusal" in admission) return admission.refusal;
  const { caller } = admission;
  const { access } = operation;
  return operation.answer({
    headers: request.headers,
    body,
    signal,
    limits,
    caller,
    repository: (name) => registry.repository(name, { access, owner: caller.owner }),
    listRepositories: (list) => visibleOf(registry.listRepositories(list), caller),
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

/** Answers at a path outside of `/v2/`. */
async function answerBeside(
  request: IncomingMessage,
  { options: { endpoints = {} }, body, signal }: Surroundings,
): Promise<Reply> {
  const { method, path: target } = lineOf(request);
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? "" : target.slice(mark + 1);
  const endpoint = Object.hasOwn(endpoints, path) ? endpoints[path] : undefined;
  if (endpoint === undefined) throw new OciError("NAME_UNKNOWN", "there is nothing at this path");
  const answerTo = methodOf(endpoint, method);
  if (answerTo === undefined) return otherMethodReply(method, endpoint);
  const { headers, proof, hasAuthorization, peer } = authenticationRequestOf(request, signal);
  return answerTo({ query, headers, proof, hasAuthorization, peer, body, signal });
}

function otherMethodReply(method: string, methods: Operations | Endpoint): Reply {
  const allow = [...Object.keys(methods), "OPTIONS"].join(", ");
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
