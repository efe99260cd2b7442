import { profile, type Profile } from "./profile.ts";

/**
 * GitLab's token server honours only one of several scopes, so that a mount is answered 401 at first.
 *
 * @see https://github.com/containers/skopeo/issues/1323
 */
export const gitlab: Profile = profile(["registry.gitlab.com"], { name: "GitLab", existence: "head" });
