import { ReadableStream } from "node:stream/web";
import { bytesOf, closing, OciError, type Bytes, type OpenBlob } from "@drayage/oci";
import { translated } from "./translate.ts";

/** `body` as a W3C stream that reads no further than it is read, and stops when it is cancelled. */
export function streamOf(body: Bytes): ReadableStream<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const part = await chunks.next();
          if (part.done === true) controller.close();
          else controller.enqueue(part.value);
        } catch (error) {
          throw translated(error);
        }
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Content to be sent: all of it, or a stream that comes by once. */
export interface UploadSource {
  readonly open: OpenBlob;
  /** Leaves a stream that nobody has opened. */
  close(): Promise<void>;
}

export function uploadSourceOf(content: Uint8Array | ReadableStream<Uint8Array>): UploadSource {
  if (content instanceof Uint8Array) {
    return { open: async (offset) => bytesOf(content.subarray(offset)), close: async () => undefined };
  }
  let isOpened = false;
  return {
    async open() {
      if (isOpened)
        throw new OciError("CONNECTION_FAILED", "a stream cannot be sent again", { retryable: false });
      isOpened = true;
      return bytesOfStream(content);
    },
    async close() {
      if (!isOpened) await content.cancel();
    },
  };
}

function bytesOfStream(stream: ReadableStream<Uint8Array>): Bytes {
  const reader = stream.getReader();
  return closing(reading(), () => reader.cancel());

  async function* reading(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  }
}
