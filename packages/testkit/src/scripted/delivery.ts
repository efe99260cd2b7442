import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { sleep } from "@drayage/oci";
import type { ScriptedAnswer } from "./exchange.ts";
import type { ScriptAction } from "./rule.ts";

export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** How an answer is sent, if not in one go. */
export type Delivery = Pick<ScriptAction, "cutAfter" | "cutBy" | "stallAfter" | "pace" | "endless">;

/** Sends the head of an answer, and as much of its body as is to be sent. */
export async function deliver(
  response: AnyResponse,
  { status, headers = {}, body = "" }: ScriptedAnswer,
  { request, delivery }: { readonly request: AnyRequest; readonly delivery: Delivery },
): Promise<void> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const isEmpty = request.method === "HEAD" || status === 204 || status === 304;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (status !== 204 && status !== 304 && delivery.endless !== true && !response.hasHeader("content-length"))
    response.setHeader("content-length", bytes.byteLength);
  response.statusCode = status;
  if (isEmpty) response.end();
  else await deliverBody(response, bytes, { request, delivery });
}

/** Ends the exchange without an answer, or in the middle of one. */
export function reset(request: AnyRequest): void {
  if ("stream" in request) request.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else request.socket.resetAndDestroy();
}

async function deliverBody(
  response: AnyResponse,
  bytes: Uint8Array,
  { request, delivery }: { readonly request: AnyRequest; readonly delivery: Delivery },
): Promise<void> {
  const { cutAfter, cutBy = "end", stallAfter, pace, endless } = delivery;
  const write = (part: Uint8Array): Promise<void> => written(response, part);
  let isOpen = true;
  response.once("close", () => (isOpen = false));
  if (cutAfter !== undefined) {
    await write(bytes.subarray(0, cutAfter));
    if (cutBy === "reset" || "stream" in request) reset(request);
    else request.socket.destroy();
  } else if (stallAfter !== undefined) {
    await write(bytes.subarray(0, stallAfter));
  } else if (pace !== undefined) {
    for (let start = 0; start < bytes.byteLength && isOpen; start += pace.bytes) {
      await write(bytes.subarray(start, start + pace.bytes));
      await sleep(pace.every);
      pace.between?.();
    }
    response.end();
  } else if (endless === true) {
    while (isOpen) {
      await write(bytes);
      await sleep(0);
    }
  } else response.end(bytes);
}

/** Resolves when `part` is on its way, or when nobody is there any more. */
function written(response: AnyResponse, part: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("close", done);
      resolve();
    };
    response.once("close", done);
    if ("stream" in response) response.write(part, done);
    else response.write(part, done);
  });
}
