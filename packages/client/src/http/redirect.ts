import { headerOf, OciError, type OciErrorCode } from "@drayage/oci";
import { mayReceiveSecret } from "../auth/may-receive-secret.ts";
import { drain } from "./body.ts";
import type { Layer, RegistryRequest, RegistryResponse } from "./message.ts";
import { redactUrl, resolveServerUrl } from "./url.ts";

const maxHops = 5;

/**
 * Follows redirects of what only reads.
 *
 * What is private stays on the origin it was meant for and on the https of the same host; behind any other hop it is
 * gone for good (GHSA-vh4v-2xq2-g5cg, CVE-2022-23538).
 */
export function redirect(): Layer {
  return (next) => async (request) => {
    let current = request;
    for (let hop = 1; ; hop++) {
      const response = await next(current);
      if (!isFollowed(response)) return hop === 1 ? response : { ...response, request };
      await drain(response.body);
      const { status } = response;
      if (hop > maxHops) throw refused("LIMIT_EXCEEDED", { request, status, problem: "led on and on" });
      current = follow(current, { response, home: request.url });
    }
  };
}

function follow(
  request: RegistryRequest,
  { response, home }: { readonly response: RegistryResponse; readonly home: URL },
): RegistryRequest {
  const location = headerOf(response.headers, "location");
  const { status } = response;
  if (location === undefined) throw refused("RESPONSE_INVALID", { request, status, problem: "led nowhere" });
  const url = resolveServerUrl(location, request.url);
  if (mayReceiveSecret(home, url)) return { ...request, url };
  return { ...request, url, privateHeaders: undefined };
}

function isFollowed({ status, request: { method, followRedirects = true } }: RegistryResponse): boolean {
  const isReading = method === "GET" || method === "HEAD";
  return [301, 302, 303, 307, 308].includes(status) && isReading && followRedirects;
}

interface Refused {
  readonly request: RegistryRequest;
  readonly status: number;
  readonly problem: string;
}

function refused(code: OciErrorCode, { request: { method, url }, status, problem }: Refused): OciError {
  const where = redactUrl(url);
  return new OciError(code, `${method} ${where}: the redirect ${problem}`, { method, url: where, status });
}
