export type { GitHubApp } from "./app.ts";
export type { Environment } from "./gh.ts";
export { fromGitHub, type GhCliOptions, type GitHubOptions } from "./from-github.ts";
