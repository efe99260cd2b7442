import type { IncomingMessage, ServerResponse } from "node:http";
import type { LendingBytes } from "../storage/lend.ts";
import type { RequestBody } from "./exchange.ts";
import { readIncoming } from "./incoming.ts";

export interface BodyOptions {
  /** How long the client may say nothing, in milliseconds. */
  readonly idleTimeout: number;
  /** Whether the client waits for `100 Continue` before it sends anything. */
  readonly awaitsContinue: boolean;
}

/** A body as it comes in. */
export interface IncomingBody extends RequestBody {
  /** How many bytes have been read. */
  readonly received: number;
  /** How many bytes nobody has read, `Infinity` if that is unknown. */
  readonly rest: number;
  /** Whether the client sends nothing: it has not been asked to, or has fallen silent. */
  readonly isSilent: boolean;
}

/** The body of a request, none of which is read before somebody wants it. */
export function createBody(
  request: IncomingMessage,
  response: ServerResponse,
  { idleTimeout, awaitsContinue }: BodyOptions,
): IncomingBody {
  const length = lengthOf(request);
  let isSilent = awaitsContinue;
  let received = 0;
  return {
    length,
    get received() {
      return received;
    },
    get rest() {
      return request.readableEnded ? 0 : (length ?? Infinity);
    },
    get isSilent() {
      return isSilent;
    },
    read() {
      const read = (isLent: boolean) => (): AsyncIterator<Uint8Array, void, undefined> => {
        if (isSilent) response.writeContinue();
        isSilent = false;
        const onSilence = (): void => void (isSilent = true);
        const onChunk = (bytes: number): void => void (received += bytes);
        return readIncoming(request, { idleTimeout, isLent, onChunk, onSilence });
      };
      const bytes: LendingBytes = { [Symbol.asyncIterator]: read(false), lend: read(true) };
      return bytes;
    },
  };
}

function lengthOf({ headers }: IncomingMessage): number | undefined {
  if (headers["transfer-encoding"] !== undefined) return undefined;
  const length = headers["content-length"];
  return length === undefined ? 0 : Number(length); // Node has refused all but digits
}
