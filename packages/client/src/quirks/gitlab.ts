import { profile, type Profile } from "./profile.ts";

export const gitlab: Profile = profile({
  name: "GitLab",
  hosts: ["registry.gitlab.com"],
  quirks: { referrers: 404, digestAsTag: true, tokenScopes: "last" },
  sources: {
    referrers: "https://github.com/oras-project/oras-go/issues/1396",
    digestAsTag: "https://github.com/oras-project/oras-go/issues/1396",
    tokenScopes: "https://github.com/estesp/manifest-tool/issues/53",
  },
  notes: { tokenScopes: "seen in 2017" },
});
