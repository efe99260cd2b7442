import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Tracer,
} from "@opentelemetry/api";
import type { RequestEvent, TraceEvent } from "@drayage/client";

/**
 * A `trace` for `createClient` that makes a span of every request, and events of the span around it of all the rest.
 *
 * @param options.parent what the spans belong to; by default the active context, as the SDK for Node keeps it
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/
 */
export function createSpanTrace(
  tracer: Tracer,
  { parent = () => context.active() }: { readonly parent?: () => Context } = {},
): (event: TraceEvent) => void {
  return (event) => {
    if (event.type === "request") return recordRequest(event, tracer, parent());
    const { type, ...attributes } = event;
    trace.getSpan(parent())?.addEvent(`drayage.${type}`, attributesOf(attributes));
  };
}

/** The event comes when the answer has begun, so the span is made when it is over already. */
function recordRequest(event: RequestEvent, tracer: Tracer, parent: Context): void {
  const { method, url, host, status, milliseconds, attempt, bytes, error } = event;
  const endTime = Date.now();
  const attributes = {
    "http.request.method": method,
    "http.request.resend_count": attempt - 1,
    "server.address": host,
    "url.full": url,
    ...(status === undefined ? {} : { "http.response.status_code": status }),
    ...(bytes === undefined ? {} : { "http.response.body.size": bytes }),
    ...(error === undefined ? {} : { "error.type": error }),
  };
  const options = { kind: SpanKind.CLIENT, startTime: endTime - milliseconds, attributes };
  const span = tracer.startSpan(method, options, parent);
  if (status === undefined || status >= 400) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(endTime);
}

type Fields = Readonly<Record<string, string | number | readonly string[] | undefined>>;

function attributesOf(fields: Fields): Attributes {
  const attributes: Attributes = {};
  for (const [key, value] of Object.entries(fields)) {
    attributes[`drayage.${key}`] = typeof value === "object" ? [...value] : value;
  }
  return attributes;
}
