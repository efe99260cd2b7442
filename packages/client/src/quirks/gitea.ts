import { profile, type Profile } from "./profile.ts";

export const gitea: Profile = profile({
  name: "Gitea, Forgejo",
  hosts: ["codeberg.org", "gitea.com"],
  quirks: {
    blobRange: false,
    referrers: 404,
    tagPages: "linked-on",
    challenge: "Bearer, Basic",
    challengeScope: "*",
  },
  sources: {
    blobRange: "https://github.com/go-gitea/gitea/blob/main/routers/api/packages/container/container.go",
    referrers: "https://github.com/go-gitea/gitea/blob/main/routers/api/packages/api.go",
    tagPages: "https://github.com/go-gitea/gitea/blob/main/routers/api/packages/container/container.go",
    challenge: "https://github.com/go-gitea/gitea/pull/36920",
    challengeScope: "https://github.com/go-gitea/gitea/issues/36907",
  },
  notes: { blobRange: "unless blobs are in an object store" },
});
