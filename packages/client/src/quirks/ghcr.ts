import { profile, type Profile } from "./profile.ts";

/**
 * GitHub's registry answers 416 to chunks above 4 MiB.
 *
 * @see https://github.com/oras-project/rust-oci-client/issues/37
 */
export const ghcr: Profile = profile(["ghcr.io"], { name: "GHCR", maxChunk: 4 * 1024 * 1024 });
