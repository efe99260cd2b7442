import type { HttpHeaders, HttpRequest, HttpSend } from "@drayage/oci";
import type { Hosts } from "../host.ts";
import type { Send } from "./message.ts";
import { requestUrl } from "./url.ts";

/** Headers that tell nothing of who asks; all others stay with the origin that they were meant for. */
const publicHeaders = ["accept", "content-type", "user-agent"];

/** A way for others to send what they have put together themselves, proof included. */
export function createHttpSend(send: Send, hosts: Hosts): HttpSend {
  return async ({ method, url: text, headers = {}, body }: HttpRequest, { signal } = {}) => {
    const url = requestUrl(text);
    const {
      status,
      headers: answered,
      body: content,
    } = await send({
      host: hosts.of(url.origin),
      method,
      url,
      lane: "api",
      subject: "registry",
      headers: pick(headers, (name) => publicHeaders.includes(name)),
      privateHeaders: pick(headers, (name) => !publicHeaders.includes(name)),
      body,
      signal,
    });
    return { status, headers: answered, body: content };
  };
}

function pick(headers: HttpHeaders, isWanted: (name: string) => boolean): HttpHeaders {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(lower.filter(([name]) => isWanted(name)));
}
