import { headerOf, OciError } from "@drayage/oci";
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
    for (let hop = 0; hop <= maxHops; hop++) {
      const response = await next(current);
      if (!isRedirect(response)) return { ...response, request };
      await drain(response.body);
      current = follow(current, { response, home: request.url });
    }
    throw refused(request, `led through more than ${maxHops} redirects`);
  };
}

function follow(
  request: RegistryRequest,
  { response, home }: { readonly response: RegistryResponse; readonly home: URL },
): RegistryRequest {
  const location = headerOf(response.headers, "location");
  if (location === undefined) throw refused(request, "was redirected nowhere");
  const url = resolveServerUrl(location, request.url);
  if (mayReceiveSecret(home, url)) return { ...request, url };
  return { ...request, url, privateHeaders: undefined };
}

function isRedirect({ status, request: { method } }: RegistryResponse): boolean {
  return [301, 302, 303, 307, 308].includes(status) && (method === "GET" || method === "HEAD");
}

function refused({ method, url }: RegistryRequest, problem: string): OciError {
  const where = redactUrl(url);
  return new OciError("RESPONSE_INVALID", `${method} ${where} ${problem}`, { method, url: where });
}
