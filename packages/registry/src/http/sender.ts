import type { ServerResponse } from "node:http";
import { OciError } from "@drayage/oci";

/** Sends chunks as fast as the client takes them. */
export interface Sender {
  /** A promise only if the client has to be waited for. @throws OciError TIMEOUT */
  send(chunk: Uint8Array): Promise<void> | undefined;
  /** The same for a chunk that is not ours to keep: resolves when it has left this process. */
  sendLent(chunk: Uint8Array): Promise<void>;
  stop(): void;
}

export interface SenderOptions {
  /** How long the client may take nothing, in milliseconds. */
  readonly idleTimeout: number;
  readonly signal: AbortSignal;
  /** Counts the bytes that are sent. */
  readonly tally: { sent: number };
}

export function createSender(
  response: ServerResponse,
  { idleTimeout, signal, tally }: SenderOptions,
): Sender {
  let fail: (error: unknown) => void = () => undefined;
  const timer = setTimeout(() => {
    fail(new OciError("TIMEOUT", "the client takes nothing any more"));
  }, idleTimeout);
  const stop = (): void => fail(signal.reason);
  signal.addEventListener("abort", stop, { once: true });

  /** Resolves when `begin` calls back, unless the client is silent or gone before. */
  const waitFor = (begin: (done: () => void) => void): Promise<void> => {
    timer.refresh();
    return new Promise((resolve, reject) => {
      fail = reject;
      signal.throwIfAborted();
      begin(resolve);
    });
  };

  return {
    send(chunk) {
      signal.throwIfAborted();
      tally.sent += chunk.byteLength;
      if (response.write(chunk)) return undefined;
      return waitFor((done) => response.once("drain", done));
    },
    sendLent(chunk) {
      tally.sent += chunk.byteLength;
      return waitFor((done) => response.write(chunk, () => done()));
    },
    stop() {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    },
  };
}
