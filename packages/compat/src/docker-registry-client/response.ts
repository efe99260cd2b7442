import { parseErrorBody, parseJson, type Descriptor, type RegistryError } from "@drayage/oci";
import type { ReadableStream } from "node:stream/web";
import { HttpError, InvalidContentError } from "./errors.ts";

/** What is needed to make a {@link DockerResponse}. */
export interface DockerResponseInit {
  readonly status: number;
  readonly headers: Headers;
}

/** Statuses whose answers have no body. */
const bodiless = [204, 205, 304];

/** An answer of a registry, or what is known of several in the form of one. */
export class DockerResponse extends Response {
  #bytes: Promise<Uint8Array> | undefined;

  constructor(body: Uint8Array | string | null, { status, headers }: DockerResponseInit) {
    super(bodiless.includes(status) ? null : bodyOf(body), { status, headers });
  }

  /** The whole body, however often it is asked for. */
  dockerBody(): Promise<Uint8Array> {
    this.#bytes ??= this.arrayBuffer().then((buffer) => new Uint8Array(buffer));
    return this.#bytes;
  }

  /** The body as JSON. @throws InvalidContentError */
  async dockerJson<Value>(): Promise<Value> {
    return parseAs<Value>(await this.dockerBody());
  }

  /** What the body says went wrong, in any of the forms that registries use. */
  async dockerErrors(): Promise<readonly RegistryError[]> {
    return parseErrorBody(await this.dockerBody()).errors;
  }

  /** The error that this answer is; `message` begins its message. */
  async dockerThrowable(message: string): Promise<HttpError> {
    const errors = await this.dockerErrors();
    const lines = errors.map(({ code, message: text = "" }) => `\n    ${code}: ${text}`);
    return new HttpError(message + lines.join(""), { resp: this, errors });
  }

  /** The body as a stream. @throws InvalidContentError if there is none */
  dockerStream(): ReadableStream<Uint8Array> {
    if (this.body === null) throw new InvalidContentError("the answer has no body");
    return parseStream(this.body);
  }
}

/** What is known of content, in the form of the answer that brought it. */
export function describedBy(
  { mediaType, digest, size }: Descriptor,
  body: Uint8Array | null = null,
): DockerResponse {
  const headers = new Headers({
    "content-type": mediaType,
    "content-length": String(size),
    "docker-content-digest": digest,
  });
  return new DockerResponse(body, { status: 200, headers });
}

function parseAs<Value>(bytes: Uint8Array): Value {
  try {
    return parseJson(bytes, "RESPONSE_INVALID") as Value;
  } catch (cause) {
    throw new InvalidContentError("the body is not JSON", { cause });
  }
}

/** The body of an answer that was made of bytes. */
function parseStream(body: ReadableStream): ReadableStream<Uint8Array> {
  return body as ReadableStream<Uint8Array>;
}

/** A copy in a buffer of its own, which is what `Response` takes. */
function bodyOf(body: Uint8Array | string | null): ArrayBuffer | string | null {
  return body instanceof Uint8Array ? Uint8Array.from(body).buffer : body;
}
