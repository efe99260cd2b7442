// As little of a client as a measurement of servers can do with.
import { createHash } from "node:crypto";
import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent, in this order; nothing if there is none. */
  readonly chunks?: readonly Uint8Array[];
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** How many bytes came. */
  readonly size: number;
}

/** Sends a request over a connection of `agent`; the answer is read and dropped. */
export async function send(
  host: string,
  {
    method,
    target,
    agent,
    chunks = [],
    headers = {},
  }: Sent & { method: string; target: string; agent: Agent },
): Promise<Answered> {
  const path = target.replace(/^https?:\/\/[^/]+/, "");
  const length = chunks.reduce((total, { byteLength }) => total + byteLength, 0);
  const sized = method === "GET" || method === "HEAD" ? {} : { "content-length": String(length) };
  const request = httpRequest(`http://${host}`, { method, path, agent, headers: { ...sized, ...headers } });
  const answered = new Promise<Answered>((resolve, reject) => {
    request.once("error", reject).once("response", (response) => {
      let size = 0;
      response.on("data", (chunk: Uint8Array) => (size += chunk.byteLength));
      response.once("error", reject).once("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, size });
      });
    });
  });
  for (const chunk of chunks) {
    if (!request.write(chunk)) await new Promise((resolve) => request.once("drain", resolve));
  }
  request.end();
  return answered;
}

/** Pushes a blob as docker and skopeo do: POST, PATCH, PUT. */
export async function pushBlob(
  host: string,
  chunks: readonly Uint8Array[],
  { agent, name = "bench/app" }: { readonly agent: Agent; readonly name?: string },
): Promise<string> {
  const digest = digestOf(chunks);
  const opened = await send(host, { method: "POST", target: `/v2/${name}/blobs/uploads/`, agent });
  const headers = { "content-type": "application/octet-stream" };
  const patched = await send(host, { method: "PATCH", target: locationOf(opened), agent, chunks, headers });
  const location = locationOf(patched);
  const target = `${location}${location.includes("?") ? "&" : "?"}digest=${digest}`;
  const { status } = await send(host, { method: "PUT", target, agent });
  if (status !== 201) throw new Error(`${host} answered ${status} to a push`);
  return digest;
}

export function digestOf(chunks: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

function locationOf({ headers, status }: Answered): string {
  if (headers.location === undefined) throw new Error(`an answer of ${status} without a Location`);
  return headers.location;
}
