import { refuse } from "../exchange.ts";
import { withHeaders, type Call, type Deviation } from "./deviation.ts";

export const blobDeviations: readonly Deviation[] = [
  {
    refuse: ({ request, route, quirks }) =>
      quirks.existence === "get" && route.kind === "blob" && request.method === "HEAD"
        ? refuse(401, "UNAUTHORIZED")
        : undefined,
  },
  {
    hear: ({ request, route, quirks }) =>
      quirks.blobRange || route.kind !== "blob"
        ? request
        : { ...request, headers: { ...request.headers, range: undefined } },
  },
  {
    tell(answer, { route, quirks, storage, ...call }) {
      if (quirks.blobRedirect === undefined || route.kind !== "blob" || !isRead(call)) return answer;
      if (answer.status !== 200 && answer.status !== 206) return answer;
      const location = `${storage}/storage/${route.name}/${route.last}`;
      return { status: quirks.blobRedirect, headers: { location } };
    },
  },
  {
    tell(answer, { quirks, self }) {
      const location = answer.headers?.["location"];
      const isPath = typeof location === "string" && location.startsWith("/");
      return quirks.location === "url" && isPath
        ? withHeaders(answer, { location: self + location })
        : answer;
    },
  },
];

function isRead({ request: { method } }: Pick<Call, "request">): boolean {
  return method === "GET" || method === "HEAD";
}
