import { profile, type Profile } from "./profile.ts";

export const artifactory: Profile = profile({
  name: "Artifactory",
  hosts: ["*.jfrog.io"],
  quirks: {
    upload: "patch",
    headManifest: false,
    referrers: 406,
    tagEntries: "digests",
    listLink: "shortened",
  },
  sources: {
    upload: "https://github.com/containerd/containerd/issues/3533",
    headManifest: "https://github.com/google/go-containerregistry/pull/1691",
    referrers: "https://github.com/google/go-containerregistry/pull/2026",
    tagEntries: "https://github.com/containers/image/pull/2440",
    listLink: "https://github.com/renovatebot/renovate/pull/20745",
  },
  notes: {
    upload: "old versions",
    headManifest: "virtual repositories",
    referrers: "before 7.117",
    listLink: "virtual repositories",
  },
});
