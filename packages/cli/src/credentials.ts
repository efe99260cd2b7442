import { profileOf, profiles, type KnownRegistry } from "@drayage/client";
import { describeDockerCredential, fromDockerConfig, type HelperOptions } from "@drayage/credentials-docker";
import {
  chain,
  isOciError,
  OciError,
  type Credential,
  type CredentialProvider,
  type CredentialRequest,
} from "@drayage/oci";
import { withHint } from "./hint.ts";
import { reasonOf } from "./print.ts";

/** A provider that is asked for some registries only, and not loaded for any other. */
export interface CredentialSource {
  /** Where the identity comes from, for people. */
  readonly origin: string;
  readonly registries: readonly KnownRegistry[];
  /** What to install when it cannot be loaded. */
  readonly packages: readonly string[];
  readonly load: () => Promise<CredentialProvider>;
}

const github: CredentialSource = {
  origin: "GITHUB_TOKEN",
  registries: ["ghcr"],
  packages: ["@drayage/credentials-github"],
  load: async () => (await import("@drayage/credentials-github")).fromGitHub(),
};

/** The clouds, in the order in which they are asked; users install what they need of them. */
const clouds: readonly CredentialSource[] = [
  {
    origin: "the AWS identity of this machine",
    registries: ["ecr", "ecrPublic"],
    packages: ["@drayage/credentials-ecr"],
    load: async () => (await import("@drayage/credentials-ecr")).fromEcr(),
  },
  {
    origin: "the Google application default credentials of this machine",
    registries: ["gar", "gcr"],
    packages: ["@drayage/credentials-gar"],
    load: async () => (await import("@drayage/credentials-gar")).fromArtifactRegistry(),
  },
  {
    origin: "the Azure identity of this machine",
    registries: ["acr"],
    packages: ["@drayage/credentials-acr", "@azure/identity"],
    load: async () => (await import("@drayage/credentials-acr")).fromAcr(),
  },
];

/** Where a credential comes from, without the credential. */
export interface CredentialDescription {
  readonly source: string;
  readonly type: Credential["type"];
  readonly expiresAt?: Date | undefined;
  /** Whether it is in a file that others than its owner may read. */
  readonly isExposed: boolean;
}

/** What a command asks for credentials, and what it says when they were missing. */
export interface DefaultCredentials {
  /** What docker and podman were logged in with, then GitHub's, then those of the registry's cloud. */
  readonly provider: CredentialProvider;
  /** `error`, with the reason why the registry that refused us was asked without a credential. */
  readonly explain: (error: unknown) => unknown;
}

interface DefaultCredentialsOptions {
  /** Told when a pull goes on without a credential although something is wrong. */
  readonly note: (text: string) => void;
  readonly sources?: readonly CredentialSource[] | undefined;
}

/**
 * The default chain.
 *
 * A login was meant for its registry, so one that is broken is an error. The identity that a machine has in a cloud
 * was not: if it cannot be had, a pull goes on without, as the image may be public, and everything else fails.
 */
export function createDefaultCredentials(options: DefaultCredentialsOptions): DefaultCredentials {
  const { note, sources = clouds } = options;
  const reasons = new Map<string, OciError>();

  const goOnWithout = (request: CredentialRequest, reason: OciError): undefined => {
    if (!mayBeAnonymous(request)) throw reason;
    reasons.set(request.registry, reason);
  };
  const cloud = (source: CredentialSource): CredentialProvider => {
    const open = opened(source);
    return async (request) => {
      if (!isFor(source, request)) return undefined;
      const provider = await open();
      // Worth a word only if the registry refuses us: what is not installed is not broken.
      if (provider === undefined) return goOnWithout(request, missing(source));
      try {
        return await provider(request);
      } catch (error) {
        if (!isOciError(error, "CREDENTIAL_UNAVAILABLE")) throw error;
        const isNew = !reasons.has(request.registry);
        goOnWithout(request, error);
        if (isNew) note(`${because(error)}; going on without a credential`);
        return undefined;
      }
    };
  };
  const provider = chain(fromDockerConfig(helperOptions()), fromSource(github), ...sources.map(cloud));
  return { provider, explain: (error) => explained(error, reasons) };
}

/**
 * Where the default chain would find a credential for `request`, or `undefined` if nowhere; it is asked for, and
 * not shown.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE
 */
export async function describeCredential(
  request: CredentialRequest,
  { sources = clouds }: Pick<DefaultCredentialsOptions, "sources"> = {},
): Promise<CredentialDescription | undefined> {
  const stored = await describeDockerCredential(request, helperOptions());
  if (stored !== undefined) return stored;
  for (const source of [github, ...sources]) {
    const credential = await fromSource(source)(request);
    if (credential === undefined) continue;
    return {
      source: source.origin,
      type: credential.type,
      expiresAt: credential.expiresAt,
      isExposed: false,
    };
  }
  return undefined;
}

/** How credential helpers are run: on a terminal they may ask, and wait for a browser. */
export function helperOptions(): HelperOptions {
  return process.stderr.isTTY ? { helperMessages: "inherit", helperTimeout: 5 * 60_000 } : {};
}

function fromSource(source: CredentialSource): CredentialProvider {
  const open = opened(source);
  return async (request) => {
    if (!isFor(source, request)) return undefined;
    const provider = await open();
    if (provider === undefined) throw missing(source);
    return provider(request);
  };
}

function isFor({ registries }: CredentialSource, { registry }: CredentialRequest): boolean {
  const profile = profileOf(registry);
  return registries.some((known) => profiles[known] === profile);
}

/** What has been refused is not replaced by nothing. */
function mayBeAnonymous({ actions = [], rejected }: CredentialRequest): boolean {
  return rejected === undefined && actions.every((action) => action === "pull");
}

/** The provider of `source`, loaded once; `undefined` if its package is not installed. */
function opened(source: CredentialSource): () => Promise<CredentialProvider | undefined> {
  let provider: Promise<CredentialProvider | undefined> | undefined;
  return () => (provider ??= source.load().catch(unlessMissing));
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") return undefined;
  throw error;
}

function missing({ origin, packages }: CredentialSource): OciError {
  return new OciError(
    "CREDENTIAL_UNAVAILABLE",
    `${packages[0] ?? ""}, which knows ${origin}, is not installed`,
    {
      hint: `npm install --global drayage ${packages.join(" ")}, or drayage login`,
    },
  );
}

function because(error: OciError): string {
  const reason = reasonOf(error);
  return reason === undefined ? error.message : `${error.message} (${reason})`;
}

function explained(error: unknown, reasons: ReadonlyMap<string, OciError>): unknown {
  if (!isOciError(error, "UNAUTHORIZED", "DENIED")) return error;
  const refused = [...reasons].find(([registry]) => error.url?.startsWith(`https://${registry}/`));
  if (refused === undefined) return error;
  const [, reason] = refused;
  return withHint(error, [because(reason), reason.hint].filter((text) => text !== undefined).join(": "));
}
