import {
  forRegistry,
  isVisibleAscii,
  memoize,
  OciError,
  Secret,
  type Credential,
  type CredentialProvider,
  type CredentialRequest,
} from "@drayage/oci";
import { askForInstallationToken, permissionFor, type GitHubApp } from "./app.ts";
import { askGh, type Environment } from "./gh.ts";
import { gitHubHostname, gitHubRegistries } from "./hosts.ts";
import { parseToken } from "./token.ts";

/** Where {@link fromGitHub} finds a token, and for which hosts. */
export interface GitHubOptions {
  /** A classic personal access token, or a workflow's `GITHUB_TOKEN`. */
  readonly token?: Secret | string | undefined;
  /** An installation of a GitHub App; needs the packages `@octokit/auth-app` and `@octokit/request`. */
  readonly app?: GitHubApp | undefined;
  /** Whether to ask GitHub's command line for its token when the environment has none. */
  readonly ghCli?: boolean | GhCliOptions | undefined;
  /** Where `GITHUB_TOKEN` and `GITHUB_ACTOR` are looked up; the process's environment by default. */
  readonly env?: Environment | undefined;
  /** The user name to send; GHCR only wants that there is one. */
  readonly username?: string | undefined;
  /** The registries the token is for, instead of `ghcr.io`: `containers.HOST` of an enterprise server. */
  readonly hosts?: readonly string[] | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** Which of its accounts GitHub's command line is asked for. */
export interface GhCliOptions {
  /** `github.com` by default; to be named where `hosts` names other registries. */
  readonly hostname?: string | undefined;
}

/**
 * A provider for GitHub's container registry, `ghcr.io`.
 *
 * It takes `token` or `app` if given, else `GITHUB_TOKEN` of the environment, else, if `ghCli` allows it, what
 * `gh auth token` prints. Where none of them exists the registry is used anonymously; one that is there but
 * empty is an error. App tokens are asked for with the least permission, and renewed before their hour is over.
 *
 * @throws OciError OPTION_INVALID for contradicting options, REFERENCE_INVALID for `hosts`; CREDENTIAL_UNAVAILABLE from the provider
 * @see https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry
 * @example
 * const client = createClient({ credentials: fromGitHub() })
 */
export function fromGitHub(options: GitHubOptions = {}): CredentialProvider {
  check(options);
  const { app, hosts = gitHubRegistries, now } = options;
  const key = ({ actions }: CredentialRequest): string =>
    app === undefined ? "token" : permissionFor(actions);
  // What has no end of its own may be replaced under us, as `gh auth login` does.
  const maxAge = app === undefined ? 60_000 : undefined;
  const remembered = memoize((request) => find(request, options), { key, maxAge, now });
  return forRegistry(hosts, remembered);
}

async function find(request: CredentialRequest, options: GitHubOptions): Promise<Credential | undefined> {
  const { app } = options;
  if (app !== undefined) {
    const { actions, signal } = request;
    return askForInstallationToken(app, permissionFor(actions), { signal });
  }
  const credential = await findToken(request, options);
  const username = usernameOf(options);
  return credential === undefined || username === undefined ? credential : { ...credential, username };
}

function usernameOf({ username, env = process.env }: GitHubOptions): string | undefined {
  const actor = env["GITHUB_ACTOR"];
  return username ?? (actor !== undefined && isUsername(actor) ? actor : undefined);
}

/** Whether Basic authentication can carry it. */
function isUsername(text: string): boolean {
  return isVisibleAscii(text) && !text.includes(":");
}

async function findToken(
  { signal }: CredentialRequest,
  { token, ghCli = false, env = process.env }: GitHubOptions,
): Promise<(Credential & { readonly type: "basic" }) | undefined> {
  if (token !== undefined)
    return parseToken(typeof token === "string" ? new Secret(token) : token, "`token`");
  const ambient = env["GITHUB_TOKEN"];
  if (ambient !== undefined) return parseToken(new Secret(ambient), "GITHUB_TOKEN");
  if (ghCli === false) return undefined;
  const { hostname = gitHubHostname } = ghCli === true ? {} : ghCli;
  return parseToken(await askGh({ hostname, env, signal }), "the output of `gh auth token`");
}

function check(options: GitHubOptions): void {
  const { token, app, username } = options;
  if (token !== undefined && app !== undefined) {
    throw new OciError("OPTION_INVALID", "give `token` or `app`, not both");
  }
  if (username !== undefined && !isUsername(username)) {
    throw new OciError(
      "OPTION_INVALID",
      "`username` is empty, or has a colon, a space or a control character",
    );
  }
  checkServers(options);
}

/** What belongs to one server is given to no registry of another. */
function checkServers({ app, ghCli, hosts }: GitHubOptions): void {
  const isOtherServer = hosts !== undefined && !hosts.some((host) => gitHubRegistries.includes(host));
  const isServerNamed = typeof ghCli === "object" && ghCli.hostname !== undefined;
  if (ghCli !== undefined && ghCli !== false && !isServerNamed && isOtherServer) {
    throw new OciError("OPTION_INVALID", "`ghCli` is the token for github.com, which is not for `hosts`", {
      hint: "give `ghCli: { hostname }`",
    });
  }
  if (app?.apiUrl === undefined) return;
  if (!/^https:\/\/[^@\s]+$/.test(app.apiUrl)) {
    throw new OciError("OPTION_INVALID", "`apiUrl` is not an https:// URL without a user");
  }
  if (!isOtherServer) {
    throw new OciError("OPTION_INVALID", "`apiUrl` is of another server than ghcr.io", {
      hint: "give `hosts`, the registry of that server",
    });
  }
}
