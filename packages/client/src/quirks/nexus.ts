import { profile, type Profile } from "./profile.ts";

export const nexus: Profile = profile({
  name: "Nexus",
  hosts: [],
  quirks: { tagEntries: "null", tagPages: "unlinked", listLink: "internal", challenge: "BASIC" },
  sources: {
    tagEntries: "https://github.com/containers/skopeo/issues/2409",
    tagPages: "https://github.com/sonatype/nexus-public/issues/117",
    listLink: "https://github.com/sonatype/nexus-public/issues/1011",
    challenge: "https://github.com/devcontainers/cli/issues/884",
  },
  notes: { tagPages: "groups", listLink: "proxies at a port of their own" },
});
