import {
  bareCause,
  isOciError,
  OciError,
  Secret,
  type Action,
  type CallOptions,
  type Credential,
} from "@drayage/oci";
import { signAppJwt, type AppJwt } from "./jwt.ts";
import { parseToken } from "./token.ts";

/** An installation of a GitHub App. */
export interface GitHubApp {
  readonly appId: number | string;
  /** The app's private key, PEM. */
  readonly privateKey: Secret | string;
  readonly installationId: number | string;
  /** The repositories the token is for; by default all that the installation reaches. */
  readonly repositoryNames?: readonly string[] | undefined;
  /** The API of an enterprise server, such as `https://github.example.com/api/v3`; by default that of github.com. */
  readonly apiUrl?: string | undefined;
}

/** What an installation token may do with packages. */
export type Permission = "read" | "write";

/** The least permission that `actions` take; `read` when they are not known. */
export function permissionFor(actions: readonly Action[] = []): Permission {
  return actions.some((action) => action !== "pull") ? "write" : "read";
}

/**
 * A new token of the installation, good for an hour.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE
 * @see https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
 */
export async function askForInstallationToken(
  app: GitHubApp,
  packages: Permission,
  { signal }: CallOptions = {},
): Promise<Credential> {
  const octokit = await importOctokit();
  try {
    const { token, expires_at: end } = await createToken(octokit, { app, packages, signal });
    const credential = parseToken(new Secret(token), "the installation token");
    return { ...credential, expiresAt: new Date(end), hint: hintFor(packages) };
  } catch (error) {
    signal?.throwIfAborted();
    throw isOciError(error) ? error : unavailable(app, packages, error);
  }
}

interface Wish extends CallOptions {
  readonly app: GitHubApp;
  readonly packages: Permission;
}

/**
 * What the server answers with.
 *
 * auth-app could ask for it too, but it joins calls for installations of the same number, whatever the server.
 */
async function createToken(
  { createAppAuth, request }: Octokit,
  { app, packages, signal }: Wish,
): Promise<{ readonly token: string; readonly expires_at: string }> {
  const { appId, installationId, privateKey, repositoryNames, apiUrl } = app;
  const createJwt = async (): Promise<AppJwt> => signAppJwt(appId, textOf(privateKey));
  const { token: proof } = await createAppAuth({ appId, createJwt })({ type: "app" });
  const { data } = await request("POST /app/installations/{installation_id}/access_tokens", {
    ...(apiUrl === undefined ? {} : { baseUrl: apiUrl.replace(/\/$/, "") }),
    headers: { authorization: `bearer ${proof}` },
    installation_id: Number(installationId),
    permissions: { packages },
    ...(repositoryNames === undefined ? {} : { repositories: [...repositoryNames] }),
    ...(signal === undefined ? {} : { request: { signal } }),
  });
  return data;
}

interface Octokit {
  readonly createAppAuth: typeof import("@octokit/auth-app").createAppAuth;
  readonly request: typeof import("@octokit/request").request;
}

async function importOctokit(): Promise<Octokit> {
  try {
    const [{ createAppAuth }, { request }] = await Promise.all([
      import("@octokit/auth-app"),
      import("@octokit/request"),
    ]);
    return { createAppAuth, request };
  } catch (error) {
    throw new OciError(
      "CREDENTIAL_UNAVAILABLE",
      "`app` needs the packages @octokit/auth-app and @octokit/request",
      { cause: bareCause(error), hint: "install them beside @drayage/credentials-github" },
    );
  }
}

/** @see https://docs.github.com/packages/learn-github-packages/about-permissions-for-github-packages */
function hintFor(packages: Permission): string {
  return `the app needs the permission packages: ${packages}, and its installation the package's repository; GitHub documents classic tokens and a workflow's GITHUB_TOKEN only`;
}

function textOf(secret: Secret | string): string {
  return typeof secret === "string" ? secret : secret.reveal();
}

function unavailable(app: GitHubApp, packages: Permission, error: unknown): OciError {
  const { appId, installationId, apiUrl = "GitHub" } = app;
  const message = `${apiUrl} gave no token for installation ${installationId} of app ${appId}`;
  const hint = `check appId, privateKey, installationId and this machine's clock, and that the app has the permission packages: ${packages}`;
  return new OciError("CREDENTIAL_UNAVAILABLE", message, { cause: bareCause(error), hint });
}
