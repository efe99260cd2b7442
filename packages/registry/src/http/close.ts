import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface CloseOptions {
  /**
   * How long requests may go on, in milliseconds; as long as they like by default. Those that are not done by then are
   * cut: an upload keeps what has come of it, and its client can go on from there.
   */
  readonly grace?: number | undefined;
}

/** The requests of a server, so that it can be closed without cutting what is under way. */
export interface Traffic {
  /** Counts a request until its answer has ended. */
  enter(request: IncomingMessage, response: ServerResponse): void;
  /** Counts what else is to be done before the server may be said to be closed; it never rejects. */
  waitUntil(work: Promise<void>): void;
  /** Takes no more requests, and resolves when the last one is done. */
  close(options?: CloseOptions): Promise<void>;
}

interface Connection {
  readonly socket: Socket;
  /** How many answers it waits for. */
  waiting: number;
}

/** Follows the requests of `server`, which speaks HTTP or HTTPS. */
export function createTraffic(server: Server): Traffic {
  /** By the address of the other end: over TLS a request has another socket than its connection. */
  const connections = new Map<string, Connection>();
  const works = new Set<Promise<void>>();
  let closed: Promise<void> | undefined;

  server.on("connection", (socket) => {
    const name = nameOf(socket);
    connections.set(name, { socket, waiting: 0 });
    socket.once("close", () => connections.delete(name));
  });
  // What is kept alive, or has sent half a request, would keep the server until its client goes.
  const endUnused = (): void => {
    for (const { socket, waiting } of connections.values()) if (waiting === 0) socket.destroy();
  };
  const endAll = (): void => {
    for (const { socket } of connections.values()) socket.destroy();
  };

  return {
    enter({ socket }, response) {
      const connection = connections.get(nameOf(socket));
      if (connection !== undefined) connection.waiting++;
      response.once("close", () => {
        if (connection !== undefined) connection.waiting--;
        if (closed !== undefined) setImmediate(endUnused);
      });
    },

    waitUntil(work) {
      works.add(work);
      void work.then(() => works.delete(work));
    },

    async close({ grace } = {}) {
      closed ??= closing(server);
      endUnused();
      const timer = grace === undefined ? undefined : setTimeout(endAll, grace);
      await closed;
      await Promise.all(works);
      clearTimeout(timer);
    },
  };
}

function closing(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
  });
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
