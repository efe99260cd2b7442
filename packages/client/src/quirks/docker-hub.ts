import { profile, type Profile } from "./profile.ts";

/**
 * Docker Hub answers 400 or 401 to mounts that it does not like, where 202 is specified.
 *
 * @see https://github.com/google/go-containerregistry/issues/1741
 * @see https://github.com/google/go-containerregistry/issues/1679
 */
export const dockerHub: Profile = profile(["docker.io"], { name: "Docker Hub", existence: "head" });
