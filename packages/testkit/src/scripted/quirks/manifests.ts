import { gzipSync } from "node:zlib";
import { jsonAnswer, refuse } from "../exchange.ts";
import { parseText } from "../manifests.ts";
import type { Route } from "../route.ts";
import { withHeaders, type Call, type Deviation } from "./deviation.ts";

export const manifestDeviations: readonly Deviation[] = [
  {
    hear(call) {
      const { request, route, quirks, content } = call;
      if (!quirks.digestAsTag || !isRead(call) || route.kind !== "manifest") return request;
      const [, hex] = /^sha256-([0-9a-f]{64})$/.exec(route.last) ?? [];
      if (hex === undefined || content.repositories.get(route.name)?.tags.has(route.last) === true)
        return request;
      const url = new URL(request.url);
      url.pathname = `/v2/${route.name}/manifests/sha256:${hex}`;
      return { ...request, url };
    },
  },
  {
    refuse({ request, route, quirks }) {
      if (quirks.untypedManifest || route.kind !== "manifest" || request.method !== "PUT") return undefined;
      const manifest = parseText(request.body);
      const isUntyped = manifest !== undefined && manifest["mediaType"] === undefined;
      return isUntyped ? refuse(405, "UNSUPPORTED", "Invalid JSON syntax") : undefined;
    },
  },
  {
    tell: (answer, call) =>
      !call.quirks.digestHeader && isRead(call)
        ? withHeaders(answer, { "docker-content-digest": undefined })
        : answer,
  },
  {
    tell(answer, call) {
      const { route, quirks, request } = call;
      if (!isAbsent(route, answer.status) || !isRead(call)) return answer;
      if (!quirks.headManifest && request.method === "HEAD") return { ...answer, status: 403 };
      if (quirks.unknownCode === "MANIFEST_UNKNOWN") return answer;
      const message = `${request.url.pathname} not found`;
      return { ...jsonAnswer({ errors: [{ code: quirks.unknownCode, message }] }), status: 404 };
    },
  },
  {
    tell(answer, call) {
      const { request, quirks } = call;
      const { body } = answer;
      const accepted = request.headers["accept-encoding"] ?? "";
      if (!quirks.compression || request.method !== "GET" || !isRead(call)) return answer;
      if (!accepted.includes("gzip") || body === undefined) return answer;
      return { ...withHeaders(answer, { "content-encoding": "gzip" }), body: gzipSync(body) };
    },
  },
];

function isRead({ request: { method }, route }: Call): boolean {
  return route.kind === "manifest" && (method === "GET" || method === "HEAD");
}

function isAbsent(route: Route, status: number): boolean {
  return route.kind === "manifest" && status === 404;
}
