import type { Readable } from "node:stream";
import { OciError, type Bytes, type CallOptions } from "@drayage/oci";
import type { Dispatcher } from "undici";
import { Arrival } from "./arrival.ts";
import type { RateMeter } from "./min-rate.ts";

/** A request as undici takes it. */
export type Dispatched = Dispatcher.DispatchOptions & {
  readonly body: Readable | Uint8Array | string | null;
};

/** An answer whose headers have arrived. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Bytes;
}

export interface ExchangeOptions extends CallOptions {
  /** What the body of the answer throws for what went wrong. */
  readonly errorOf: (error: unknown) => unknown;
  /** Is told how fast the body comes; if it throws, the answer is given up on. */
  readonly meter: RateMeter;
}

/** Each interim answer, such as 103, gives a server its time for the real one anew. */
const maxInterim = 20;

/**
 * Sends one request and resolves to its answer. The stream that undici's `request` puts in between is left out: it
 * costs more than everything that is checked here.
 *
 * @see https://undici.nodejs.org/#/docs/api/Dispatcher?id=dispatcherdispatchoptions-handler
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatched,
  options: ExchangeOptions,
): Promise<Answer> {
  const handler = new Exchange(request, options);
  dispatcher.dispatch(request, handler);
  return handler.answer;
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: Dispatched;
  readonly #options: ExchangeOptions;
  readonly #outcome = Promise.withResolvers<Answer>();
  #controller: Dispatcher.DispatchController | undefined;
  #arrival: Arrival | undefined;
  #interim = 0;

  constructor(request: Dispatched, options: ExchangeOptions) {
    this.#request = request;
    this.#options = options;
    options.signal?.addEventListener("abort", this);
  }

  get answer(): Promise<Answer> {
    return this.#outcome.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#options.signal?.aborted === true) this.handleEvent();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Answer["headers"],
  ): void {
    if (status < 200) return this.#countInterim();
    this.#arrival = new Arrival(controller, this.#options.meter);
    this.#outcome.resolve({ status, headers, body: this.#arrival });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#arrival?.push(chunk);
  }

  onResponseEnd(): void {
    this.#options.signal?.removeEventListener("abort", this);
    this.#arrival?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  /** The signal is aborted. A request that has not begun is ended as soon as it does. */
  handleEvent(): void {
    const error = new Error("aborted");
    this.#fail(error);
    this.#controller?.abort(error);
  }

  #countInterim(): void {
    if (++this.#interim > maxInterim)
      throw new OciError("RESPONSE_INVALID", "interim answers and no real one");
  }

  #fail(error: Error): void {
    this.#options.signal?.removeEventListener("abort", this);
    this.#outcome.reject(error);
    this.#arrival?.fail(this.#options.errorOf(error));
    leave(this.#request.body, error);
  }
}

/** Tells the source of a body that nobody takes the rest of it. */
function leave(body: Dispatched["body"], error: Error): void {
  if (body === null || typeof body === "string" || body instanceof Uint8Array) return;
  body.on("error", () => undefined);
  body.destroy(error);
}
