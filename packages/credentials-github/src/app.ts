import { bareCause, isOciError, OciError, Secret, type Action, type Credential } from "@drayage/oci";
import { parseToken } from "./token.ts";

/** An installation of a GitHub App. */
export interface GitHubApp {
  readonly appId: number | string;
  /** The app's private key, PEM. */
  readonly privateKey: Secret | string;
  readonly installationId: number | string;
  /** The repositories the token is for; by default all that the installation reaches. */
  readonly repositoryNames?: readonly string[] | undefined;
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
export async function askForInstallationToken(app: GitHubApp, packages: Permission): Promise<Credential> {
  const { createAppAuth } = await importAuthApp();
  const { appId, installationId, privateKey, repositoryNames } = app;
  try {
    const auth = createAppAuth({ appId, installationId, privateKey: textOf(privateKey) });
    const { token, expiresAt } = await auth({
      type: "installation",
      permissions: { packages },
      ...(repositoryNames === undefined ? {} : { repositoryNames: [...repositoryNames] }),
    });
    return { ...parseToken(new Secret(token), "the installation token"), expiresAt: new Date(expiresAt) };
  } catch (error) {
    throw isOciError(error) ? error : unavailable(app, packages, error);
  }
}

async function importAuthApp(): Promise<typeof import("@octokit/auth-app")> {
  try {
    return await import("@octokit/auth-app");
  } catch {
    throw new OciError("CREDENTIAL_UNAVAILABLE", "`app` needs the package @octokit/auth-app", {
      hint: "install it beside @drayage/credentials-github",
    });
  }
}

function textOf(secret: Secret | string): string {
  return typeof secret === "string" ? secret : secret.reveal();
}

function unavailable({ appId, installationId }: GitHubApp, packages: Permission, error: unknown): OciError {
  const message = `GitHub gave no token for installation ${installationId} of app ${appId}`;
  const hint = `check appId, privateKey and installationId, and that the app has the permission packages: ${packages}`;
  return new OciError("CREDENTIAL_UNAVAILABLE", message, { cause: bareCause(error), hint });
}
