import { refuse } from "../exchange.ts";
import { namedBy, parseText } from "../manifests.ts";
import { withQuery, type Call, type Deviation } from "./deviation.ts";

export const mountDeviations: readonly Deviation[] = [
  {
    refuse(call) {
      const mount = mountOf(call);
      if (mount === undefined) return undefined;
      const { quirks, content } = call;
      if (mount.from === null)
        return quirks.mountWithoutFrom === "refused" ? refuse(400, "UNSUPPORTED") : undefined;
      const isKnown = content.repositories.has(mount.from);
      return isKnown || quirks.mountFromUnknown === 202 ? undefined : refuse(401, "UNAUTHORIZED");
    },
  },
  {
    hear(call) {
      const { request, quirks } = call;
      const mount = mountOf(call);
      if (mount === undefined) return request;
      if (mount.from === null && quirks.mountWithoutFrom === "found")
        return withQuery(request, { from: mount.name });
      return isMountable(call, mount) ? request : withQuery(request, { mount: undefined });
    },
  },
];

interface Mount {
  readonly name: string;
  readonly digest: string;
  readonly from: string | null;
}

function mountOf({ request: { method, url }, route }: Call): Mount | undefined {
  const digest = url.searchParams.get("mount");
  if (route.kind !== "uploads" || method !== "POST" || digest === null) return undefined;
  return { name: route.name, digest, from: url.searchParams.get("from") };
}

function isMountable({ quirks, content }: Call, { digest, from }: Mount): boolean {
  if (from === null || quirks.mount === "any") return true;
  if (quirks.mount === "none") return false;
  const manifests = content.repositories.get(from)?.manifests.values() ?? [];
  return [...manifests].some(({ bytes }) => namedBy(parseText(bytes) ?? {}).includes(digest));
}
