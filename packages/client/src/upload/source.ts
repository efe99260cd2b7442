import {
  closing,
  isVerified,
  OciError,
  verified,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type OpenBlob,
} from "@drayage/oci";
import type { Endpoint } from "../endpoint.ts";
import { createProgress } from "../progress.ts";

/** Where the bytes of an upload come from. */
export interface UploadSource {
  readonly descriptor: Descriptor;
  /** How far it has been read, at the furthest. */
  readonly position: number;
  /** What it has thrown. */
  readonly failure: unknown;
  /**
   * The bytes from `offset` on, as many as the descriptor says. From the start they are held against its digest, from
   * elsewhere they cannot be.
   */
  open(offset: number, options: CallOptions): Promise<Bytes>;
}

export function createUploadSource(endpoint: Endpoint, descriptor: Descriptor, open: OpenBlob): UploadSource {
  const { digest, size } = descriptor;
  const report = createProgress(endpoint, { direction: "upload", digest, total: size });
  let position = 0;
  let failure: unknown;

  const checked = (bytes: Bytes, offset: number): Bytes =>
    offset > 0 || isVerified(bytes, digest) ? bytes : verified(bytes, { digest, size });

  async function* reading(bytes: Bytes, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    let end = offset;
    try {
      for await (const chunk of bytes) {
        end += chunk.byteLength;
        if (end > size) throw new OciError("SIZE_MISMATCH", `blob ${digest} has more than ${size} bytes`);
        position = Math.max(position, end);
        report(end);
        yield chunk;
      }
      if (end < size) throw new OciError("SIZE_MISMATCH", `blob ${digest} has ${end} bytes, not ${size}`);
    } catch (error) {
      failure = error;
      throw error;
    }
  }

  return {
    descriptor,
    get position() {
      return position;
    },
    get failure() {
      return failure;
    },
    async open(offset, options) {
      try {
        const chunks = checked(await open(offset, options), offset)[Symbol.asyncIterator]();
        const rest = { [Symbol.asyncIterator]: () => chunks };
        return closing(reading(rest, offset), () => chunks.return?.());
      } catch (error) {
        failure = error;
        throw error;
      }
    },
  };
}
