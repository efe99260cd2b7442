import type { IncomingMessage, ServerResponse } from "node:http";
import { OciError, type Registry } from "@drayage/oci";
import { createAnswerer, type Answer } from "./answer.ts";
import { peerOf } from "./auth/peer.ts";
import { createBody } from "./http/body.ts";
import { respond } from "./http/respond.ts";
import { createReport } from "./http/served.ts";
import { createConnectionTurns } from "./http/turns.ts";
import type { HandlerOptions } from "./options.ts";

/** Serves one request; fit for `node:http` and for whatever mounts such listeners, under no path prefix. */
export type Handler = (request: IncomingMessage, response: ServerResponse, how?: ServeOptions) => void;

export interface ServeOptions {
  /** The client waits for `100 Continue`, and the server leaves it to us. */
  readonly awaitsContinue?: boolean | undefined;
  /** Is given all that is done for the request, which may take longer than its connection lasts; it never rejects. */
  readonly waitUntil?: ((work: Promise<void>) => void) | undefined;
}

/**
 * The distribution-spec over `registry`, whatever that is: stored, in memory, or far away.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 * @example await using server = await listen(createHandler(createRegistry(createMemoryDriver())));
 */
export function createHandler(registry: Registry, options: HandlerOptions = {}): Handler {
  const { idleTimeout = 60_000 } = options;
  const answerTo = createAnswerer(registry, options);
  const inTurn = createConnectionTurns();

  return (request, response, { awaitsContinue = false, waitUntil } = {}) => {
    const { headers, method = "", url: target = "" } = request;
    const gone = new AbortController();
    const { signal } = gone;
    const body = createBody(request, response, { idleTimeout, awaitsContinue });
    const tally = { sent: 0 };
    const sending = { idleTimeout, signal, received: body, tally };
    const received = { method, target, headers, body, signal, peer: () => peerOf(request.socket) };
    const report = createReport(received, options);
    let answer: Answer | undefined;

    response.once("close", () => {
      gone.abort(new OciError("CONNECTION_FAILED", "the client has gone"));
      const status = response.headersSent ? response.statusCode : undefined;
      const isComplete = response.writableFinished;
      report?.(answer, { status, isComplete, received: body.received, sent: tally.sent });
    });

    const serve = async (): Promise<void> => {
      answer = answerTo(received);
      for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
      const reply = await answer.reply;
      if (response.destroyed) return;
      try {
        await respond(request, response, { reply, ...sending });
      } catch (error) {
        const failure = answer.instead(error);
        // Half an answer is cut, so that nobody takes it for a whole one.
        if (response.headersSent) response.destroy();
        else await respond(request, response, { reply: failure, ...sending });
      }
    };
    const work = inTurn(request, response, serve).catch(() => void response.destroy());
    waitUntil?.(work);
  };
}
