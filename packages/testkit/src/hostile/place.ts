import type { ScriptRule } from "../scripted/rule.ts";

// Where requests for `app` go.
export const manifest: string = "/v2/app/manifests/*";
export const blob: string = "/v2/app/blobs/sha256:*";
export const uploads: string = "/v2/app/blobs/uploads/";
/** Its identifier has hyphens. */
export const session: string = "/v2/app/blobs/uploads/*-*";

/** The first request for each blob. */
export const once: Pick<ScriptRule, "nth" | "per"> = { nth: 1, per: "blob" };

/** The request that is answered: the first one is challenged. */
export const afterLogin = 2;
