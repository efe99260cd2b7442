import { profile, type Profile } from "./profile.ts";

/**
 * Quay gives at most 100 tags a page.
 *
 * @see https://github.com/regclient/regclient/issues/272
 */
export const quay: Profile = profile(["quay.io"], { name: "Quay", maxPageSize: 100 });
