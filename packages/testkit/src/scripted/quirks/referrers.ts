import { jsonAnswer, refuse } from "../exchange.ts";
import { withHeaders, type Deviation } from "./deviation.ts";

export const referrerDeviations: readonly Deviation[] = [
  {
    refuse({ route, quirks }) {
      if (route.kind !== "referrers" || quirks.referrers === "listed") return undefined;
      // A router that knows no such route, and a framework that knows no such type.
      if (quirks.referrers === 404) {
        return { status: 404, headers: { "content-type": "text/plain" }, body: "404 page not found\n" };
      }
      return { ...jsonAnswer({ errors: [{ status: 406, message: "Not Acceptable" }] }), status: 406 };
    },
    tell: (answer, { route, quirks }) =>
      quirks.referrers !== "listed" && route.kind === "manifest"
        ? withHeaders(answer, { "oci-subject": undefined })
        : answer,
  },
  {
    refuse({ route, quirks, content }) {
      if (route.kind !== "referrers" || quirks.referrersOfUnknown === "listed") return undefined;
      const isKnown = content.repositories.get(route.name)?.manifests.has(route.last) === true;
      return isKnown ? undefined : refuse(quirks.referrersOfUnknown, "MANIFEST_UNKNOWN");
    },
  },
];
