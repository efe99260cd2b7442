import { profile, type Profile } from "./profile.ts";

export const dockerHub: Profile = profile({
  name: "Docker Hub",
  hosts: ["docker.io"],
  quirks: {
    // A repository that is pushed to for the first time does not exist yet, so that it cannot be mounted from.
    existence: "head",
    mountFromUnknown: 401,
    blobRedirect: 307,
    deleteTag: 405,
    deleteManifest: "untagged",
    catalog: 401,
  },
  sources: {
    existence: "https://github.com/google/go-containerregistry/issues/1679",
    mountFromUnknown: "https://github.com/google/go-containerregistry/issues/1741",
    blobRedirect:
      "https://github.com/TritonDataCenter/node-docker-registry-client/blob/master/test/v2.amazonecr.test.js",
    deleteTag: "https://github.com/docker/hub-feedback/issues/2360",
    deleteManifest: "https://github.com/docker/docs/pull/24078",
    catalog: "https://github.com/docker/hub-feedback/issues/2094",
  },
  hints: {
    UNAUTHORIZED:
      "the repository may not exist; accounts with two-factor authentication need a token: https://docs.docker.com/security/access-tokens/",
    TOOMANYREQUESTS:
      "pulls are counted, and more are granted with a credential: https://docs.docker.com/docker-hub/usage/pulls/",
  },
});
