import { randomUUID } from "node:crypto";
import { OciError, parseRepositoryName, parseRoute, type Registry } from "@drayage/oci";
import { createGuard, openGuard, type Caller } from "./auth/guard.ts";
import { needsOf } from "./auth/needs.ts";
import { authenticationRequestOf } from "./auth/proof.ts";
import { visibleOf } from "./auth/visible.ts";
import type { Endpoint } from "./http/endpoint.ts";
import { emptyReply, methodOf, type Limits, type Operations, type Reply } from "./http/exchange.ts";
import { failureReply, isServerFault } from "./http/failure.ts";
import { requireHost } from "./http/host.ts";
import { splitTarget, type Received } from "./http/received.ts";
import { operationsOf } from "./http/route-table.ts";
import type { HandlerOptions } from "./options.ts";

/** Answers requests, whoever takes them from the network. */
export type Answerer = (received: Received) => Answer;

/** What becomes of one request. */
export interface Answer {
  readonly id: string;
  /** What every reply says. */
  readonly headers: Reply["headers"];
  /** Never rejects; what can still fail is its body. */
  readonly reply: Promise<Reply>;
  /** Who it was, once that is known. */
  subject(): string | undefined;
  /** The reply to a failure of that body, where none of it has been sent. */
  instead(error: unknown): Reply;
}

const defaultLimits: Limits = {
  manifestBytes: 4 * 1024 * 1024,
  descriptors: 1000,
  listEntries: 10_000,
  referrerBytes: 1024 * 1024,
};

/** The distribution-spec over `registry`, between the network and the route table. */
export function createAnswerer(registry: Registry, options: HandlerOptions): Answerer {
  const { onError = () => undefined } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const origin = parseOrigin(options.publicUrl);

  return (received) => {
    const { method, target, signal } = received;
    const id = requestId(received);
    let subject: string | undefined;
    const report = (error: unknown): void => onError(error, { id, method, path: target });
    const meet = ({ owner }: Caller): void => {
      subject = owner;
    };
    const instead = (error: unknown): Reply => {
      const reply = failureReply(error);
      if (isServerFault(reply) && !signal.aborted) report(error);
      return reply;
    };
    const reply = async (): Promise<Reply> => {
      try {
        return locate(await replyTo(received, { registry, options, limits, report, meet }), origin);
      } catch (error) {
        return instead(error);
      }
    };
    return { id, headers: headersOf(id), reply: reply(), subject: () => subject, instead };
  };
}

/** What a request is answered in. */
interface Surroundings {
  readonly registry: Registry;
  readonly options: HandlerOptions;
  readonly limits: Limits;
  readonly report: (error: unknown) => void;
  /** Is told who has been let in. */
  readonly meet: (caller: Caller) => void;
}

async function replyTo(received: Received, around: Surroundings): Promise<Reply> {
  const { method, target, headers, body, signal } = received;
  requireHost(headers.host, around.options.allowedHosts);
  const route = parseRoute(target);
  if (route === undefined) return replyBeside(received, around.options);
  const operations = operationsOf(route);
  const operation = methodOf(operations, method);
  if (operation === undefined) return otherMethodReply(method, operations);
  if ("name" in route) parseRepositoryName(route.name);

  const { options, registry, report, limits, meet } = around;
  const isOpen = options.authenticate === undefined && options.authorize === undefined;
  const guard = isOpen ? openGuard : createGuard({ ...options, report });
  const admission = await guard(received, needsOf(route, operation));
  if ("refusal" in admission) return admission.refusal;
  const { caller } = admission;
  meet(caller);
  const { access } = operation;
  return operation.answer({
    headers,
    body,
    signal,
    limits,
    caller,
    repository: (name) => registry.repository(name, { access, owner: caller.owner }),
    listRepositories: (list) => visibleOf(registry.listRepositories(list), caller),
  });
}

/** Answers at a path outside of `/v2/`. */
async function replyBeside(received: Received, { endpoints = {} }: HandlerOptions): Promise<Reply> {
  const { method, target, body, signal } = received;
  const { path, query } = splitTarget(target);
  const endpoint = Object.hasOwn(endpoints, path) ? endpoints[path] : undefined;
  if (endpoint === undefined) throw new OciError("NAME_UNKNOWN", "there is nothing at this path");
  const answerTo = methodOf(endpoint, method);
  if (answerTo === undefined) return otherMethodReply(method, endpoint);
  const { headers, proof, hasAuthorization, peer } = authenticationRequestOf(received);
  return answerTo({ query, headers, proof, hasAuthorization, peer, body, signal });
}

/** The same answer, a `Location` of ours with our origin: never one of which the request tells (S20). */
function locate(reply: Reply, origin: string): Reply {
  const { location } = reply.headers;
  return origin !== "" && typeof location === "string" && location.startsWith("/")
    ? { ...reply, headers: { ...reply.headers, location: origin + location } }
    : reply;
}

function parseOrigin(url = ""): string {
  if (url === "" || /^https?:\/\/[^/?#@\s]+\/?$/.test(url)) return url.replace(/\/$/, "");
  throw new OciError("OPTION_INVALID", `publicUrl is not the URL of a host: "${url}"`);
}

function otherMethodReply(method: string, methods: Operations | Endpoint): Reply {
  const allow = [...Object.keys(methods), "OPTIONS"].join(", ");
  if (method === "OPTIONS") return emptyReply(204, { allow });
  const reply = failureReply(new OciError("UNSUPPORTED", "this cannot be done here"));
  return { ...reply, headers: { ...reply.headers, allow } };
}

function headersOf(id: string): Reply["headers"] {
  return {
    "docker-distribution-api-version": "registry/2.0",
    "x-content-type-options": "nosniff",
    "x-request-id": id,
  };
}

/** The id that whoever is in front of us has given to the request, or a new one. */
function requestId({ headers }: Received): string {
  const given = headers["x-request-id"]?.toString() ?? "";
  return /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID();
}
