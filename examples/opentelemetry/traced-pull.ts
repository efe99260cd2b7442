// Pushes and pulls a blob, and prints the spans that came of it.
import { AsyncLocalStorage } from "node:async_hooks";
import { ROOT_CONTEXT, trace, type Context } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-base";
import { createClient } from "@drayage/client";
import { bytesOf, digestOf, mediaType } from "@drayage/oci";
import { createHandler, createMemoryDriver, createRegistry, listen } from "@drayage/registry";
import { createSpanTrace } from "./span-trace.ts";

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer("example");

// Stands for the context manager of the SDK for Node, which needs no `parent`.
const active = new AsyncLocalStorage<Context>();
const parent = (): Context => active.getStore() ?? ROOT_CONTEXT;

async function inSpan(name: string, action: () => Promise<void>): Promise<void> {
  const span = tracer.startSpan(name, {}, parent());
  try {
    await active.run(trace.setSpan(parent(), span), action);
  } finally {
    span.end();
  }
}

const server = await listen(createHandler(createRegistry(createMemoryDriver())));
const client = createClient({ trace: createSpanTrace(tracer, { parent }) });
const repository = client.repository(`${server.host}/hello`, { access: ["pull", "push"] });
const content = new TextEncoder().encode("hello");
const blob = { mediaType: mediaType.octetStream, digest: digestOf(content), size: content.byteLength };

await inSpan("push", async () => {
  await repository.putBlob(blob, async (offset) => bytesOf(content.subarray(offset)));
});
await inSpan("pull", async () => {
  const { body } = await repository.getBlob(blob.digest);
  for await (const chunk of body) console.log(new TextDecoder().decode(chunk));
});
await client.close();
await server.close();

const spans = exporter.getFinishedSpans();
for (const span of spans.filter(({ parentSpanContext }) => parentSpanContext === undefined)) print(span);

function print(span: ReadableSpan, indent = ""): void {
  const { "http.response.status_code": status } = span.attributes;
  const events = span.events.map(({ name }) => name);
  console.log(indent + [span.name, ...(typeof status === "number" ? [status] : []), ...events].join(" "));
  const id = span.spanContext().spanId;
  for (const child of spans) if (child.parentSpanContext?.spanId === id) print(child, `${indent}  `);
}
