import { OciError, type Bytes } from "@drayage/oci";

export interface StreamOptions {
  /** How long the client may take nothing, in milliseconds. */
  readonly idleTimeout: number;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  /** Is called once, with the error if the bytes ended before their time. */
  readonly onEnd: (ending: { readonly sent: number; readonly error?: unknown }) => void;
}

type Step = IteratorResult<Uint8Array, unknown>;

/**
 * A stream that takes `bytes` no faster than it is read.
 *
 * The first of them are taken now: what fails until then can still get a proper answer.
 */
export async function openStream(
  bytes: Bytes,
  { idleTimeout, signal, onEnd }: StreamOptions,
): Promise<ReadableStream<Uint8Array>> {
  const chunks = bytes[Symbol.asyncIterator]();
  let next: Step | undefined = await chunks.next();
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;
  let isEnded = false;

  const end = (error?: { readonly reason: unknown }): void => {
    if (isEnded) return;
    isEnded = true;
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    if (error !== undefined) chunks.return?.()?.catch(() => undefined); // not waited for: its source may be silent
    onEnd(error === undefined ? { sent } : { sent, error: error.reason });
  };
  let fail: (reason: unknown) => void = (reason) => end({ reason });
  const stop = (): void => fail(signal.reason);
  signal.addEventListener("abort", stop, { once: true });

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        fail = (reason) => {
          controller.error(reason);
          end({ reason });
        };
      },
      async pull(controller) {
        clearTimeout(timer);
        try {
          const step: Step = await (next ?? chunks.next());
          next = undefined;
          if (isEnded) return;
          if (step.done === true) {
            controller.close();
            end();
            return;
          }
          sent += step.value.byteLength;
          controller.enqueue(step.value);
          timer = setTimeout(
            () => fail(new OciError("TIMEOUT", "the client takes nothing any more")),
            idleTimeout,
          );
        } catch (error) {
          fail(error);
        }
      },
      cancel: (reason) => end({ reason }),
    },
    { highWaterMark: 0 },
  );
}
