import { isOciError, OciError, type Appended, type Bytes, type UploadToken } from "@drayage/oci";
import { PartWriter, type PartSurroundings } from "./part-writer.ts";
import { readRest } from "./rest.ts";
import { formatToken, parseToken, type UploadState } from "./token.ts";

/**
 * Stores `bytes` behind the upload. What has arrived is kept even if the rest does not; if the bucket fails, so is
 * what it has.
 *
 * @throws OciError BLOB_UPLOAD_UNKNOWN
 */
export async function appendToUpload(
  token: UploadToken,
  bytes: Bytes,
  { at, ...around }: PartSurroundings & { readonly at: number },
): Promise<Appended> {
  const state = parseToken(token);
  if (at !== state.size) throw new OciError("STORAGE_INVALID", `the upload is at ${state.size}, not ${at}`);
  const { bucket } = around;
  const writer = new PartWriter(state, await readRest(bucket, state), around);
  try {
    // Whoever goes on from this token has no use for what was spent before it.
    if (state.spent !== undefined) await bucket.delete(state.spent);
    const failure = await addAll(writer, bytes);
    return appended(await writer.finish(), failure);
  } catch (error) {
    const kept = await writer.keep();
    if (isOciError(error, "BLOB_UPLOAD_UNKNOWN")) throw error;
    return appended(kept, { error });
  } finally {
    writer.close();
  }
}

/** Resolves to why the bytes ended too early, if they did. */
async function addAll(writer: PartWriter, bytes: Bytes): Promise<Appended["failure"]> {
  let failure: Appended["failure"];
  async function* arriving(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* bytes;
    } catch (error) {
      failure = { error };
    }
  }
  for await (const chunk of arriving()) await writer.add(chunk);
  return failure;
}

function appended(state: UploadState, failure: Appended["failure"]): Appended {
  return { token: formatToken(state), offset: state.size, ...(failure === undefined ? {} : { failure }) };
}
