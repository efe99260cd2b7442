import { profile, type Profile } from "./profile.ts";

/**
 * Artifactory answers 403 to `HEAD` of a manifest that is not there, and wants blobs by `PATCH`.
 *
 * @see https://github.com/google/go-containerregistry/blob/main/pkg/v1/remote/pusher.go
 * @see https://github.com/containerd/containerd/issues/3533
 */
export const artifactory: Profile = profile(["*.jfrog.io"], {
  name: "Artifactory",
  headManifest: false,
  upload: "patch",
});
