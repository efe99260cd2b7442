import { HttpRequestInterceptor } from "@mswjs/interceptors/http";
import type { AnyHandler } from "msw";
import { defineNetwork, InterceptorSource } from "msw/experimental";
import { afterAll, afterEach, beforeAll } from "vitest";

/**
 * The internet, as far as a test file is concerned. Unlike `setupServer()` it taps sockets,
 * so requests of the `undici` package are answered too, and a request nobody expects fails.
 */
export function internet(...handlers: AnyHandler[]): { use(...more: AnyHandler[]): void } {
  const network = defineNetwork({
    sources: [new InterceptorSource({ interceptors: [new HttpRequestInterceptor()] })],
    handlers,
    onUnhandledFrame: "error",
    context: { quiet: true },
  });
  beforeAll(() => network.enable());
  afterEach(() => network.resetHandlers());
  afterAll(() => network.disable());
  return { use: (...more) => network.use(...more) };
}
