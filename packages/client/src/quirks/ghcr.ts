import { profile, type Profile } from "./profile.ts";

const mebibyte = 1024 * 1024;

export const ghcr: Profile = profile({
  name: "GHCR",
  hosts: ["ghcr.io"],
  quirks: { maxChunk: 4 * mebibyte, referrers: 404, deleteTag: 405, deleteManifest: 405, deleteBlob: 405 },
  sources: {
    maxChunk: "https://github.com/ocx-sh/ocx/pull/237",
    referrers: "https://github.com/dataaxiom/ghcr-cleanup-action/issues/13",
    deleteTag: "https://github.com/fluxcd/pkg/pull/328",
    deleteManifest: "https://github.com/fluxcd/pkg/pull/328",
    deleteBlob: "https://github.com/fluxcd/pkg/pull/328",
  },
  hints: {
    UNAUTHORIZED: "it takes a token with read:packages or write:packages in place of a password",
    DENIED:
      "the package has to let in the token's owner or repository: https://docs.github.com/en/packages/learn-github-packages/configuring-a-packages-access-control-and-visibility",
  },
});
