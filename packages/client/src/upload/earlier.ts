import {
  isOciError,
  type CallOptions,
  type Descriptor,
  type OciError,
  type UploadMemory,
} from "@drayage/oci";
import type { Endpoint } from "../endpoint.ts";
import type { HttpUpload } from "./http-upload.ts";
import { resumeUpload } from "./session.ts";

/** What is smaller is sent again sooner than it is remembered, in bytes. */
const worthwhile = 1024 * 1024;

/** How one blob's upload is remembered. */
export interface Remembered {
  /** The upload that an earlier process has left, if the registry has a part of the blob by it. */
  find(endpoint: Endpoint, options: CallOptions): Promise<HttpUpload | undefined>;
  /** Remembers where `upload` goes on. */
  follow(upload: HttpUpload): Promise<void>;
  /** Forgets the blob, unless going on later may still help after `error`. */
  end(error?: unknown): Promise<void>;
}

/** Keeps an upload in `uploads`; nothing is kept of a small blob. */
export function remembered(
  { digest, size }: Descriptor,
  { uploads }: { readonly uploads: UploadMemory | undefined },
): Remembered | undefined {
  if (uploads === undefined || size < worthwhile) return undefined;
  return {
    async find(endpoint, options) {
      const id = await uploads.get(digest);
      const upload = id === undefined ? undefined : await goOnWith(id, { endpoint, size, ...options });
      if (id !== undefined && upload === undefined) await uploads.delete(digest);
      return upload;
    },
    follow: (upload) => upload.follow((id) => uploads.set(digest, id)),
    async end(error) {
      if (error === undefined || (isOciError(error) && isFinal(error))) await uploads.delete(digest);
    },
  };
}

interface Earlier extends CallOptions {
  readonly endpoint: Endpoint;
  readonly size: number;
}

/** What the registry has of an upload, if that is a beginning and if it takes the rest. */
async function goOnWith(id: string, { endpoint, size, signal }: Earlier): Promise<HttpUpload | undefined> {
  const { chunks, uploadRange } = endpoint.host.quirks;
  if (chunks !== "any" || uploadRange === "first-chunk") return undefined;
  try {
    const upload = await resumeUpload(endpoint, id, { signal });
    return upload.offset > 0 && upload.offset <= size ? upload : undefined;
  } catch (error) {
    // Whatever is wrong with it, there is the way that everything goes that was never begun.
    if (isOciError(error)) return undefined;
    throw error;
  }
}

/** What was sent from a source that turned out to be another blob is of no use. */
function isFinal(error: OciError): boolean {
  return isOciError(error, "DIGEST_MISMATCH", "SIZE_MISMATCH", "DIGEST_INVALID");
}
