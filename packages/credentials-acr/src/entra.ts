import { bareCause, isOciError, isVisibleAscii, OciError, Secret } from "@drayage/oci";

/** A source of Microsoft Entra tokens: every credential of `@azure/identity` is one. */
export interface EntraTokenSource {
  getToken(
    scope: string,
    options?: { readonly abortSignal?: AbortSignal },
  ): Promise<{ readonly token: string } | null>;
}

/** What the token is asked for. */
export interface EntraRequest {
  readonly registry: string;
  readonly scope: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The Entra token of `source`, or of what `DefaultAzureCredential` finds.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE
 */
export async function askForEntraToken(
  source: EntraTokenSource | undefined,
  { registry, scope, signal }: EntraRequest,
): Promise<Secret> {
  try {
    const found = source ?? (await createDefaultSource());
    const answer = await found.getToken(scope, signal === undefined ? {} : { abortSignal: signal });
    const token = answer?.token ?? "";
    if (!isVisibleAscii(token)) throw new Error("the token source has no token");
    return new Secret(token);
  } catch (error) {
    throw isOciError(error) ? error : unavailable(registry, error);
  }
}

async function createDefaultSource(): Promise<EntraTokenSource> {
  const { DefaultAzureCredential } = await importIdentity();
  return new DefaultAzureCredential();
}

async function importIdentity(): Promise<typeof import("@azure/identity")> {
  try {
    return await import("@azure/identity");
  } catch (error) {
    throw new OciError(
      "CREDENTIAL_UNAVAILABLE",
      "without `tokenSource` the package @azure/identity is needed",
      {
        cause: bareCause(error),
        hint: "install it beside @drayage/credentials-acr, or pass `tokenSource`",
      },
    );
  }
}

function unavailable(registry: string, error: unknown): OciError {
  return new OciError("CREDENTIAL_UNAVAILABLE", `${registry}: no Microsoft Entra token`, {
    cause: bareCause(error),
    hint: "sign in (`az login`), set AZURE_CLIENT_ID and its companions, or pass `tokenSource`",
  });
}
