/** The one registry of github.com; those of enterprise servers are named by their users, with their own tokens. */
export const gitHubRegistries: readonly string[] = ["ghcr.io"];

/** The account of GitHub's command line that has tokens for it. */
export const gitHubHostname = "github.com";
