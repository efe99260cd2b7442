import type { ForwardProxy } from "../http/proxy.ts";

/** The header that proves to a proxy who we are; it goes to the proxy itself and never into the tunnel. */
export function proxyAuthorization({ authorization }: ForwardProxy): Readonly<Record<string, string>> {
  return authorization === undefined ? {} : { "proxy-authorization": authorization.reveal() };
}
