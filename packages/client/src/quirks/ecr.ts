import { profile, type Profile } from "./profile.ts";

// "Amazon Elastic Container Registry requires 5MB chunks for all but the last chunk."
const minChunk = 5 * 1024 * 1024;
const chunks =
  "https://github.com/dotnet/sdk/blob/main/src/Containers/Microsoft.NET.Build.Containers/Registry/Registry.cs";

export const ecr: Profile = profile({
  name: "Amazon ECR",
  hosts: [
    "*.dkr.ecr.*.amazonaws.com",
    "*.dkr.ecr-fips.*.amazonaws.com",
    "*.dkr.ecr.*.amazonaws.com.cn",
    "*.dkr.ecr.*.amazonaws.eu",
    "*.dkr-ecr.*.on.aws",
    "*.dkr-ecr-fips.*.on.aws",
    "*.dkr-ecr.*.on.amazonwebservices.com.cn",
    "*.dkr.ecr.*.c2s.ic.gov",
    "*.dkr.ecr.*.sc2s.sgov.gov",
    "*.dkr.ecr.*.cloud.adc-e.uk",
    "*.dkr.ecr.*.csp.hci.ic.gov",
  ],
  quirks: {
    existence: "head",
    mount: "referenced",
    minChunk,
    chunkStatus: 201,
    uploadRange: "first-chunk",
    blobRedirect: 302,
    digestHeader: false,
    untypedManifest: false,
    deleteTag: 404,
    deleteManifest: 404,
    deleteBlob: 404,
    maxPageSize: 1000,
    oversizedPage: "refused",
    challenge: "Basic",
  },
  sources: {
    existence: "https://github.com/google/go-containerregistry/blob/main/pkg/v1/remote/write.go",
    mount: "https://github.com/aws/containers-roadmap/issues/2860",
    minChunk: chunks,
    chunkStatus: "https://github.com/regclient/regclient/blob/main/scheme/reg/blob.go",
    uploadRange: "https://github.com/aws/containers-roadmap/issues/2831",
    blobRedirect:
      "https://github.com/TritonDataCenter/node-docker-registry-client/blob/master/test/v2.amazonecr.test.js",
    digestHeader:
      "https://github.com/TritonDataCenter/node-docker-registry-client/blob/master/test/v2.amazonecr.test.js",
    untypedManifest: "https://github.com/containers/image/pull/584",
    deleteTag: "https://github.com/fluxcd/pkg/pull/328",
    deleteManifest: "https://github.com/fluxcd/pkg/pull/328",
    deleteBlob: "https://github.com/fluxcd/pkg/pull/328",
    maxPageSize: "https://github.com/google/go-containerregistry/issues/681",
    oversizedPage: "https://github.com/google/go-containerregistry/issues/681",
    challenge: "https://github.com/regclient/regclient/issues/709",
  },
  notes: { digestHeader: "seen in 2017" },
  hints: {
    NAME_UNKNOWN:
      "a repository has to be created before anything is pushed to it: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-create.html",
  },
});

export const ecrPublic: Profile = profile({
  name: "Amazon ECR Public",
  hosts: ["public.ecr.aws", "ecr-public.aws.com"],
  quirks: { existence: "get", mount: "none", minChunk },
  sources: {
    existence: "https://github.com/aws/containers-roadmap/issues/2671",
    mount: "https://github.com/aws/containers-roadmap/issues/1459",
    minChunk: chunks,
  },
});
