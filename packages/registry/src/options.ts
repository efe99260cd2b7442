import type { Authenticate, ChallengeFor } from "./auth/authenticate.ts";
import type { Authorize } from "./auth/authorize.ts";
import type { Endpoints } from "./http/endpoint.ts";
import type { Limits } from "./http/exchange.ts";

/** How a registry is served, whatever takes its requests from the network. */
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
  /** Is told of every request when its answer has ended, or its client has gone. */
  readonly onResponse?: ((request: ServedRequest) => void) | undefined;
}

export interface FailedRequest {
  readonly id: string;
  readonly method: string;
  readonly path: string;
}

/** What to know of a request afterwards; neither query nor what proves who asks is in it (S25). */
export interface ServedRequest {
  readonly id: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Absent if the client was gone before there was an answer. */
  readonly status: number | undefined;
  /** Whether the client has got all of the answer. */
  readonly isComplete: boolean;
  /** Who it was, where users are known. */
  readonly subject: string | undefined;
  /** The address of the other end. */
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  /** Bytes of the body that were read. */
  readonly received: number;
  /** Bytes of the answer's body that were sent. */
  readonly sent: number;
  /** From the request's head to the end of its answer, in milliseconds. */
  readonly duration: number;
}
