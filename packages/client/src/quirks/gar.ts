import { profile, type Profile } from "./profile.ts";

/**
 * Google Artifact Registry and gcr.io take a blob in one piece only, and pages of 10,000.
 *
 * @see https://github.com/dotnet/sdk-container-builds/issues/287
 * @see https://github.com/google/go-containerregistry/blob/main/pkg/v1/google/list.go
 */
export const gar: Profile = profile(["gcr.io", "*.gcr.io", "*.pkg.dev"], {
  name: "Google Artifact Registry",
  maxPageSize: 10_000,
});
