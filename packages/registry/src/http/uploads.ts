import {
  formatErrorBody,
  formatRoute,
  formatUploadRange,
  isDigestAlgorithm,
  isOciError,
  isRepositoryName,
  OciError,
  parseChunkRange,
  parseDigest,
  type Bytes,
  type Descriptor,
  type Digest,
  type DigestAlgorithm,
  type Repository,
  type UploadRoute,
  type UploadSession,
  type UploadsRoute,
} from "@drayage/oci";
import { passed } from "../storage/lend.ts";
import { emptyReply, headOf, jsonReply, type Call, type Operations, type Reply } from "./exchange.ts";
import { blobLocation } from "./target.ts";

/** `/v2/<name>/blobs/uploads/`: where uploads start. */
export function uploadsOperations(route: UploadsRoute): Operations {
  const { mount: wanted, from } = route;
  const source = wanted === undefined || from === undefined || !isRepositoryName(from) ? undefined : from;
  return { POST: { access: ["pull", "push"], source, answer: (call) => startUpload(route, call) } };
}

/** `/v2/<name>/blobs/uploads/<id>`: one upload, which who may push may also look at and give up. */
export function uploadOperations(route: UploadRoute): Operations {
  return {
    GET: { access: ["pull", "push"], answer: (call) => getStatus(route, call) },
    HEAD: { access: ["pull", "push"], answer: async (call) => headOf(await getStatus(route, call)) },
    PATCH: { access: ["pull", "push"], answer: (call) => appendChunk(route, call) },
    PUT: { access: ["pull", "push"], answer: (call) => closeUpload(route, call) },
    DELETE: { access: ["pull", "push"], answer: (call) => cancelUpload(route, call) },
  };
}

async function startUpload(route: UploadsRoute, call: Call): Promise<Reply> {
  const { name } = route;
  const repository = call.repository(name);
  if (route.mount !== undefined) {
    const digest = parseDigest(route.mount);
    const mounted = call.caller.mayMount ? await mount(repository, digest, route.from) : undefined;
    return mounted === undefined
      ? openedReply(name, await repository.openUpload())
      : createdReply(name, mounted);
  }
  if (route.digest !== undefined) return uploadAtOnce(repository, parseDigest(route.digest), call);
  return openedReply(name, await repository.openUpload({ algorithm: parseAlgorithm(route.digestAlgorithm) }));
}

/** What cannot be mounted is to be uploaded, whatever the reason: a refusal would tell who has the blob. */
async function mount(
  repository: Repository,
  digest: Digest,
  from: string | undefined,
): Promise<Descriptor | undefined> {
  if (from !== undefined && !isRepositoryName(from)) return undefined;
  try {
    return await repository.mountBlob(digest, { from });
  } catch (error) {
    if (isOciError(error, "BLOB_UNKNOWN", "NAME_UNKNOWN", "UNAUTHORIZED", "DENIED", "UNSUPPORTED")) {
      return undefined;
    }
    throw error;
  }
}

/** The whole blob in one POST; a failure leaves nothing to go on with, since the client knows no session. */
async function uploadAtOnce(repository: Repository, digest: Digest, { body }: Call): Promise<Reply> {
  const session = await repository.openUpload({ digest });
  try {
    await session.append(body.read(), { size: body.length });
    return createdReply(repository.name, await session.commit(digest));
  } catch (error) {
    await session.cancel();
    throw error;
  }
}

async function getStatus({ name, id }: UploadRoute, call: Call): Promise<Reply> {
  const session = await call.repository(name).openUpload({ id, signal: call.signal });
  return emptyReply(204, sessionHeaders(name, id, session.offset));
}

async function appendChunk({ name, id }: UploadRoute, call: Call): Promise<Reply> {
  const chunk = chunkOf(call);
  const session = await call.repository(name).openUpload({ id });
  try {
    const offset = await session.append(chunk.bytes(), { at: chunk.at, size: call.body.length });
    return emptyReply(202, sessionHeaders(name, id, offset));
  } catch (error) {
    if (!isOciError(error, "RANGE_INVALID")) throw error;
    return outOfOrderReply(name, session);
  }
}

async function closeUpload(route: UploadRoute, call: Call): Promise<Reply> {
  const { name, id } = route;
  if (route.digest === undefined) throw new OciError("DIGEST_INVALID", "an upload is closed with its digest");
  const digest = parseDigest(route.digest);
  const chunk = chunkOf(call);
  const session = await call.repository(name).openUpload({ id, digest });
  try {
    const size = call.body.length;
    if (size !== 0) await session.append(chunk.bytes(), { at: chunk.at, size });
    return createdReply(name, await session.commit(digest));
  } catch (error) {
    if (!isOciError(error, "RANGE_INVALID")) throw error;
    return outOfOrderReply(name, session);
  }
}

async function cancelUpload({ name, id }: UploadRoute, call: Call): Promise<Reply> {
  const session = await call.repository(name).openUpload({ id });
  await session.cancel();
  return emptyReply(204);
}

interface Chunk {
  /** Where it belongs; without a place it belongs behind what is there. */
  readonly at: number | undefined;
  bytes(): Bytes;
}

/** The chunk in a request. @throws OciError BLOB_UPLOAD_INVALID, SIZE_INVALID */
function chunkOf({ headers, body }: Call): Chunk {
  const header = headers["content-range"];
  if (header === undefined) return { at: undefined, bytes: () => body.read() };
  const { start, end } = parseChunkRange(header);
  const length = end - start + 1;
  if (body.length !== undefined && body.length !== length) {
    throw new OciError("SIZE_INVALID", `a chunk of ${length} bytes that has ${body.length}`);
  }
  return { at: start, bytes: () => exactly(length, body.read()) };
}

/** `bytes`, which must be so many; those that are get stored all the same. */
function exactly(length: number, bytes: Bytes): Bytes {
  let received = 0;
  return passed(bytes, (chunks) => ({
    async next() {
      const next = await chunks.next();
      if (next.done !== true) received += next.value.byteLength;
      if (received <= length && next.done !== true) return next;
      if (next.done === true && received === length) return { done: true, value: undefined };
      const actual = received > length ? "more" : `only ${received}`;
      throw new OciError("SIZE_INVALID", `a chunk of ${length} bytes that has ${actual}`);
    },
    async return() {
      await chunks.return?.();
      return { done: true, value: undefined };
    },
  }));
}

function parseAlgorithm(text: string | undefined): DigestAlgorithm | undefined {
  if (text === undefined || isDigestAlgorithm(text)) return text;
  throw new OciError("DIGEST_INVALID", "no such digest algorithm here");
}

function openedReply(name: string, { id, offset, minChunk }: UploadSession): Reply {
  return emptyReply(202, {
    ...sessionHeaders(name, id, offset),
    ...(minChunk === undefined ? {} : { "oci-chunk-min-length": String(minChunk) }),
  });
}

function createdReply(name: string, { digest }: Descriptor): Reply {
  return emptyReply(201, { location: blobLocation(name, digest), "docker-content-digest": digest });
}

/** The upload is as it was, and this is where it goes on. */
async function outOfOrderReply(name: string, session: UploadSession): Promise<Reply> {
  const offset = await session.status();
  const body = formatErrorBody([{ code: "BLOB_UPLOAD_INVALID", message: `the upload is at byte ${offset}` }]);
  return jsonReply(416, body, sessionHeaders(name, session.id, offset));
}

function sessionHeaders(name: string, id: string, offset: number): Reply["headers"] {
  return {
    location: formatRoute({ kind: "upload", name, id }),
    range: formatUploadRange(offset),
    "docker-upload-uuid": id,
  };
}
