import { OciError, type Registry } from "@drayage/oci";
import { createAnswerer } from "../answer.ts";
import type { Peer } from "../auth/authenticate.ts";
import type { Reply } from "../http/exchange.ts";
import { createReport, type Ending } from "../http/served.ts";
import type { HandlerOptions } from "../options.ts";
import { createFetchBody } from "./fetch-body.ts";
import { openStream, type StreamOptions } from "./fetch-stream.ts";

/** Answers one request of the Fetch standard, at the root of a host; what its server knows of the client may go along. */
export type FetchHandler = (
  request: Request,
  how?: { readonly peer?: Peer | undefined },
) => Promise<Response>;

const unknownPeer: Peer = { address: undefined, certificate: undefined };

/**
 * The distribution-spec over `registry`, for servers that speak the Fetch standard.
 *
 * Bodies pass both ways as fast as they are taken. That a client has gone is noticed by the request's signal, or by
 * the response's body being cancelled.
 *
 * @see https://fetch.spec.whatwg.org/#request-class
 * @example
 * const handle = createFetchHandler(createRegistry(createMemoryDriver()));
 * const response = await handle(new Request("http://registry.test/v2/"));
 */
export function createFetchHandler(registry: Registry, options: HandlerOptions = {}): FetchHandler {
  const { idleTimeout = 60_000 } = options;
  const answerTo = createAnswerer(registry, options);

  return async (request, { peer = unknownPeer } = {}) => {
    const { method } = request;
    const gone = new AbortController();
    const leave = (): void => gone.abort(new OciError("CONNECTION_FAILED", "the client has gone"));
    request.signal.addEventListener("abort", leave, { once: true });
    const { signal } = gone;
    const body = createFetchBody(request, { idleTimeout, signal });
    const { host, target } = partsOf(request);
    const headers = { host, ...Object.fromEntries(request.headers) };
    const received = { method, target, headers, body, signal, peer: () => peer };
    const report = createReport(received, options);
    const answer = answerTo(received);

    const send = async (reply: Reply): Promise<Response> => {
      const { status } = reply;
      const end = ({ sent, isComplete }: Pick<Ending, "sent" | "isComplete">): void => {
        leave();
        report?.(answer, { status, isComplete, received: body.received, sent });
      };
      const onEnd: StreamOptions["onEnd"] = ({ sent, ...ending }) => {
        if ("error" in ending && !signal.aborted) answer.instead(ending.error);
        end({ sent, isComplete: !("error" in ending) });
      };
      const content = method === "HEAD" ? undefined : reply.body;
      const isStream =
        content !== undefined && typeof content !== "string" && !(content instanceof Uint8Array);
      const shown = isStream ? await openStream(content, { idleTimeout, signal, onEnd }) : (content ?? null);
      if (!isStream) end({ sent: Buffer.byteLength(content ?? ""), isComplete: true });
      return new Response(shown, { status, headers: headersOf({ ...answer.headers, ...reply.headers }) });
    };
    const reply = await answer.reply;
    return send(reply).catch((error: unknown) => send(answer.instead(error)));
  };
}

/** The host that a request is for, and what it wants there: its path and query. */
function partsOf({ url }: Request): { readonly host: string; readonly target: string } {
  const [whole = ""] = url.split("#", 1);
  const start = whole.indexOf("//") + 2;
  const slash = whole.indexOf("/", start);
  return { host: whole.slice(start, slash), target: whole.slice(slash) };
}

function headersOf(fields: Reply["headers"]): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields)) {
    for (const line of typeof value === "string" ? [value] : value) headers.append(name, line);
  }
  return headers;
}
