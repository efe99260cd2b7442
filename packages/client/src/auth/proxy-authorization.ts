import type { ForwardProxy } from "../http/proxy.ts";

/** The header that proves to a proxy who we are; it goes to the proxy itself and never into the tunnel. */
export function proxyAuthorization({ proof }: ForwardProxy): Readonly<Record<string, string>> {
  return proof === undefined ? {} : { "proxy-authorization": proof.reveal() };
}
