import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { answerTo } from "./answer.ts";
import { standardTraits, type S3Bucket, type S3Traits } from "./bucket.ts";
import {
  operationOf,
  S3Refusal,
  type S3Answer,
  type S3Call,
  type S3Operation,
  type S3Request,
} from "./exchange.ts";
import { createFaults, type S3Fault } from "./fault.ts";
import { payloadOf } from "./payload.ts";
import { requireSignature, type S3Identity } from "./signature.ts";
import { formatXml } from "./xml.ts";

export interface S3EmulatorOptions {
  /** `us-east-1` by default. */
  readonly region?: string | undefined;
  readonly identity?: S3Identity | undefined;
  /** Where the store differs from Amazon's. */
  readonly traits?: Partial<S3Traits> | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** A request that was received. */
export interface S3LedgerEntry {
  readonly operation: S3Operation;
  /** Empty for a request about the bucket. */
  readonly key: string;
  readonly query: string;
  readonly headers: IncomingMessage["headers"];
  /** Bytes of content. */
  readonly received: number;
  /** 0 where nobody heard of the answer. */
  readonly status: number;
}

/** An S3 store on loopback with one bucket, in memory. */
export interface S3Emulator extends AsyncDisposable {
  /** Such as `http://127.0.0.1:9000`; buckets are part of the path. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly identity: S3Identity;
  /** What is stored, to be looked at and to be tampered with. */
  readonly content: S3Bucket;
  /** Requests that were understood and signed, in the order of their arrival. */
  readonly ledger: readonly S3LedgerEntry[];
  clearLedger(): void;
  /** Replaces what goes wrong. */
  fail(...faults: readonly S3Fault[]): void;
  close(): Promise<void>;
}

const bucketName = "bucket";

/**
 * An S3 store to test with: signatures and checksums are verified, conditions kept, parts too small refused, and
 * whatever can go wrong goes wrong on demand.
 *
 * Buckets by host name, versions, copies, ACLs and signed chunks are not emulated: they are answered with 501.
 *
 * @example
 * await using s3 = await createS3Emulator();
 * s3.fail({ operation: "PutObject", nth: 1, answer: { status: 503, code: "SlowDown" } });
 */
export async function createS3Emulator(options: S3EmulatorOptions = {}): Promise<S3Emulator> {
  const { region = "us-east-1", identity = { accessKeyId: "emulated", secretAccessKey: "no secret" } } =
    options;
  const { now = Date.now } = options;
  const traits = { ...standardTraits, ...options.traits };
  const content: S3Bucket = { objects: new Map(), uploads: new Map(), completed: new Map() };
  const ledger: S3LedgerEntry[] = [];
  let nextFault = createFaults([]);

  const handle = async (request: S3Request, response: ServerResponse): Promise<void> => {
    const path = decodeURIComponent(request.path).slice(1);
    const [bucket = "", key = ""] = path.split(/\/(.*)/s);
    requireSignature(request, identity, { region, now: now() });
    const operation = operationOf(request, key);
    const part = Number.parseInt(request.parameters.get("partNumber") ?? "", 10);
    const fault = nextFault({ operation, key, part });
    const entry = { operation, key, query: request.query, headers: request.headers };
    const note = (status: number, received = 0): void => void ledger.push({ ...entry, status, received });
    await fault?.before?.();
    if (fault?.answer !== undefined) {
      note(fault.answer.status);
      return send(request, response, errorAnswer(fault.answer.status, fault.answer.code));
    }
    if (bucket !== bucketName) throw new S3Refusal(404, "NoSuchBucket");
    const payload = payloadOf(request);
    const call: S3Call = { request, bucket, key, ...payload };
    const answer = refusalAsAnswer(() => answerTo(operation, { bucket: content, traits, now: now() }, call));
    note(fault?.loseAnswer === true ? 0 : answer.status, payload.content.byteLength);
    if (fault?.loseAnswer === true) return void response.destroy();
    send(request, response, answer, fault?.cutAfter);
  };

  const server = createServer((incoming, response) => {
    void readRequest(incoming)
      .then((request) =>
        handle(request, response).catch((error: unknown) => send(request, response, failureOf(error))),
      )
      .catch(() => incoming.socket.destroy()); // the client is gone
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };

  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: bucketName,
    region,
    identity,
    content,
    get ledger() {
      return [...ledger];
    },
    clearLedger: () => void ledger.splice(0),
    fail: (...faults) => void (nextFault = createFaults(faults)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function readRequest(incoming: IncomingMessage): Promise<S3Request> {
  const { method = "", url = "/", headers } = incoming;
  const [path = "/", query = ""] = url.split(/\?(.*)/s);
  // A request that is cut short is nothing that a store has seen.
  const body = await buffer(incoming);
  return { method, path, query, parameters: new URLSearchParams(query), headers, body };
}

function refusalAsAnswer(work: () => S3Answer): S3Answer {
  try {
    return work();
  } catch (error) {
    return failureOf(error);
  }
}

function failureOf(error: unknown): S3Answer {
  if (!(error instanceof S3Refusal)) return errorAnswer(500, "InternalError");
  return errorAnswer(error.status, error.code, error.headers);
}

function errorAnswer(status: number, code: string, headers: Readonly<Record<string, string>> = {}): S3Answer {
  const body = formatXml("Error", { Code: code, Message: `${code}, as the emulator sees it` });
  return { status, headers: { "content-type": "application/xml", ...headers }, body };
}

function send(
  { method }: S3Request,
  response: ServerResponse,
  { status, headers, body = "" }: S3Answer,
  cutAfter?: number,
): void {
  const hasBody = method !== "HEAD" && status !== 204 && status !== 304;
  const bytes = Buffer.from(body);
  const length = status === 204 || status === 304 ? {} : { "content-length": bytes.byteLength };
  response.writeHead(status, { "x-amz-request-id": "emulated", ...length, ...headers });
  if (!hasBody) return void response.end();
  if (cutAfter === undefined || cutAfter >= bytes.byteLength) return void response.end(bytes);
  response.write(bytes.subarray(0, cutAfter), () => response.destroy());
}
