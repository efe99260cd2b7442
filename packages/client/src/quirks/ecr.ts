import { profile, type Profile } from "./profile.ts";

const minChunk = 5 * 1024 * 1024;

/**
 * Amazon ECR refuses `n` above 1000, does not look whether a mounted blob exists, and wants chunks of 5 MiB.
 *
 * @see https://github.com/google/go-containerregistry/issues/681
 * @see https://github.com/aws/containers-roadmap/issues/2831
 */
export const ecr: Profile = profile(
  ["*.dkr.ecr.*.amazonaws.com", "*.dkr.ecr-fips.*.amazonaws.com", "*.dkr.ecr.*.amazonaws.com.cn"],
  { name: "Amazon ECR", existence: "head", mount: false, maxPageSize: 1000, minChunk },
);

/**
 * Amazon ECR Public answers 401 to `HEAD` of blobs.
 *
 * @see https://github.com/aws/containers-roadmap/issues/2671
 */
export const ecrPublic: Profile = profile(["public.ecr.aws"], {
  name: "Amazon ECR Public",
  existence: "get",
  mount: false,
  maxPageSize: 1000,
  minChunk,
});
