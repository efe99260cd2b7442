import { isDigest } from "@drayage/oci";
import { refuse, type ScriptedAnswer } from "../exchange.ts";
import type { Call, Deviation } from "./deviation.ts";

export const deleteDeviations: readonly Deviation[] = [
  {
    refuse(call) {
      const { request, route, quirks } = call;
      if (request.method !== "DELETE") return undefined;
      if (route.kind === "blob") return unless(quirks.deleteBlob);
      if (route.kind !== "manifest") return undefined;
      if (!isDigest(route.last)) return unless(quirks.deleteTag);
      if (quirks.deleteManifest !== "untagged") return unless(quirks.deleteManifest);
      return isTagged(call, route) ? refuse(403, "DENIED", "a tag points to the manifest") : undefined;
    },
  },
];

function unless(outcome: "deleted" | number): ScriptedAnswer | undefined {
  return outcome === "deleted" ? undefined : refuse(outcome, "UNSUPPORTED");
}

function isTagged(
  { content }: Call,
  { name, last }: { readonly name: string; readonly last: string },
): boolean {
  const tags = content.repositories.get(name)?.tags.values() ?? [];
  return [...tags].includes(last);
}
