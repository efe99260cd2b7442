import type { IncomingMessage, ServerResponse } from "node:http";

/** Runs `work` for a request when those before it on its connection have been answered. */
export type ConnectionTurns = (
  request: IncomingMessage,
  response: ServerResponse,
  work: () => Promise<void>,
) => Promise<void>;

/**
 * One request of a connection at a time: pipelined ones would all have their answers in memory at once,
 * while the client takes none of them.
 */
export function createConnectionTurns(): ConnectionTurns {
  const last = new WeakMap<object, Promise<void>>();
  return async (request, response, work) => {
    // HTTP/2 multiplexes instead, and bounds that itself.
    if (request.httpVersionMajor > 1) return work();
    const { socket } = request;
    const before = last.get(socket);
    const answered = new Promise<void>((resolve) => response.once("close", () => resolve()));
    last.set(socket, answered);
    if (before !== undefined) await before;
    // What has been waiting for a connection that is gone now is never told so.
    if (!socket.destroyed) await work();
  };
}
