import { profile, type Profile } from "./profile.ts";

const kibibyte = 1024;

export const gar: Profile = profile({
  name: "Google Artifact Registry",
  hosts: ["*.pkg.dev", "docker.*.rep.pkg.dev"],
  quirks: {
    chunks: "one",
    headerBytes: 20 * kibibyte,
    deleteManifest: "untagged",
    maxPageSize: 10_000,
    challengeScope: "pull",
  },
  sources: {
    chunks: "https://github.com/dotnet/sdk-container-builds/pull/287",
    headerBytes: "https://github.com/actions/attest-build-provenance/issues/606",
    deleteManifest: "https://github.com/GoogleCloudPlatform/docker-credential-gcr/issues/73",
    maxPageSize: "https://github.com/google/go-containerregistry/pull/1645",
    challengeScope: "https://github.com/containers/image/blob/main/docker/docker_client.go",
  },
});

export const gcr: Profile = profile({
  name: "Google Container Registry",
  hosts: ["gcr.io", "*.gcr.io"],
  quirks: {
    mountWithoutFrom: "found",
    blobRedirect: 302,
    deleteManifest: "untagged",
    maxPageSize: 10_000,
  },
  sources: {
    mountWithoutFrom: "https://github.com/google/go-containerregistry/blob/main/pkg/v1/remote/write.go",
    blobRedirect:
      "https://github.com/TritonDataCenter/node-docker-registry-client/blob/master/test/v2.gcrio.test.js",
    deleteManifest: "https://github.com/GoogleCloudPlatform/docker-credential-gcr/issues/73",
    maxPageSize: "https://github.com/google/go-containerregistry/pull/1645",
  },
});
