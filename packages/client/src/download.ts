import {
  closing,
  formatRange,
  headerOf,
  OciError,
  parseContentRange,
  type Bytes,
  type CallOptions,
  type Digest,
  type Range,
} from "@drayage/oci";
import type { Endpoint } from "./endpoint.ts";
import { abandon, identityBody } from "./http/body.ts";
import type { RegistryResponse } from "./http/message.ts";
import { createProgress } from "./progress.ts";
import { createSetbacks } from "./setbacks.ts";

/** Part of a blob that is being read; both ends included. */
export interface Download extends CallOptions {
  readonly endpoint: Endpoint;
  readonly digest: Digest;
  readonly start: number;
  readonly end: number;
  /** Of the whole blob. */
  readonly size: number;
}

/** Asks for a blob or a range of it; a server may send all of it nevertheless. */
export async function askForBlob(
  endpoint: Endpoint,
  digest: Digest,
  { range, signal }: CallOptions & { readonly range?: Range | undefined },
): Promise<RegistryResponse> {
  return endpoint.ask({
    method: "GET",
    to: { kind: "blob", name: endpoint.name, digest },
    subject: "blob",
    expect: range === undefined ? [200] : [200, 206],
    actions: ["pull"],
    ...(range === undefined ? {} : { headers: { range: formatRange(range) } }),
    lane: "download",
    signal,
  });
}

/** The bytes from `start` to `end`, of the answer as long as it comes, then of further ones from where it broke off. */
export async function resumed(first: RegistryResponse, download: Download): Promise<Bytes> {
  const { endpoint, digest, start, end, signal } = download;
  let current = await partOf(first, download, start);
  return closing(reading(), () => abandon(current));

  async function* reading(): AsyncGenerator<Uint8Array, void, undefined> {
    const setbacks = createSetbacks(endpoint, { start });
    const total = end + 1 - start;
    const report = createProgress(endpoint, { direction: "download", digest, total });
    let offset = start;
    while (true) {
      try {
        for await (const chunk of current) {
          offset += chunk.byteLength;
          report(offset - start);
          yield chunk;
        }
        if (offset > end) return;
        throw brokenOff(digest, offset);
      } catch (error) {
        await setbacks.overcome(error, { offset, signal });
      }
      const range = { start: offset, end };
      current = await partOf(await askForBlob(endpoint, digest, { range, signal }), download, offset);
    }
  }
}

/** What `response` holds of the bytes from `offset` on. */
async function partOf(
  response: RegistryResponse,
  { digest, end, size }: Download,
  offset: number,
): Promise<Bytes> {
  const body = await identityBody(response);
  if (response.status === 200) return cut(body, { skip: offset, take: end + 1 - offset });
  const header = headerOf(response.headers, "content-range") ?? "";
  const range = parseContentRange(header);
  const isWanted = "start" in range && range.start === offset && (range.size ?? size) === size;
  if (isWanted) return cut(body, { skip: 0, take: end + 1 - offset });
  return failing(body, `of blob ${digest} came "${header}" instead of byte ${offset} on`);
}

/** In place of a part that was not asked for; another try may be answered better. */
function failing(body: Bytes, problem: string): Bytes {
  const next = async (): Promise<never> => {
    await abandon(body);
    throw new OciError("RESPONSE_INVALID", problem, { retryable: true });
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

/** `take` bytes behind the first `skip`; if there is nothing behind them, the body is read to its very end. */
function cut(bytes: Bytes, { skip, take }: { readonly skip: number; readonly take: number }): Bytes {
  const source = bytes[Symbol.asyncIterator]();
  return closing(reading(), () => source.return?.());

  async function* reading(): AsyncGenerator<Uint8Array, void, undefined> {
    let position = 0;
    for await (const chunk of { [Symbol.asyncIterator]: () => source }) {
      const wanted = chunk.subarray(Math.max(skip - position, 0), Math.max(skip + take - position, 0));
      position += chunk.byteLength;
      if (wanted.byteLength > 0) yield wanted;
      if (position > skip + take) return;
    }
  }
}

function brokenOff(digest: Digest, offset: number): OciError {
  return new OciError("CONNECTION_FAILED", `blob ${digest} broke off at byte ${offset}`);
}
