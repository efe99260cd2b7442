import { profile, type Profile } from "./profile.ts";

/**
 * Harbor answers 401 or 404 to a mount from a project it does not have, where 202 is specified.
 *
 * @see https://github.com/goharbor/harbor/issues/17097
 */
export const harbor: Profile = profile([], { name: "Harbor", existence: "head" });
