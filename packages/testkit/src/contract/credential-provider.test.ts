import { memoize, OciError, Secret, type Credential, type CredentialProvider } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { credentialProviderContract } from "./credential-provider.ts";
import { abortCases } from "./credential/abort.ts";
import type { CredentialCase, CredentialProviderSubject, CredentialWorld } from "./credential/case.ts";
import { failureCases } from "./credential/failure.ts";
import { lifeCases } from "./credential/life.ts";
import { refusalCases } from "./credential/refusal.ts";
import { resourceCases } from "./credential/resource.ts";
import { secrecyCases } from "./credential/secrecy.ts";
import { sharingCases } from "./credential/sharing.ts";

const registry = "registry.example.com";
const life = 3_600_000;

interface Outside {
  readonly lookUp: (signal: AbortSignal | undefined) => Promise<Credential>;
  readonly now: () => number;
}

/** A world with a token service in memory, and the provider that `make` builds over it. */
function openWorld(make: (outside: Outside) => CredentialProvider): CredentialWorld {
  let [time, lookups, isFailing] = [Date.UTC(2026, 0, 1), 0, false];
  let [stalled, resume] = [Promise.resolve(), (): void => undefined];
  const secrets = ["canary-token-0"];
  const lookUp = async (): Promise<Credential> => {
    const token = secrets[lookups++] ?? "";
    secrets.push(`canary-token-${lookups}`);
    await stalled;
    if (isFailing) throw new OciError("CREDENTIAL_UNAVAILABLE", "no token", { hint: "log in again" });
    return { type: "bearer", token: new Secret(token), expiresAt: new Date(time + life) };
  };
  return {
    provider: make({ lookUp, now: () => time }),
    lookups: () => lookups,
    secrets: () => secrets,
    fail: () => void (isFailing = true),
    stall: () => {
      stalled = new Promise((resolve) => (resume = resolve));
    },
    restore: () => {
      isFailing = false;
      resume();
    },
    rotate: () => undefined,
    clock: { now: () => time, advance: (milliseconds) => void (time += milliseconds) },
  };
}

function subjectOf(make: (outside: Outside) => CredentialProvider): CredentialProviderSubject {
  const foreign = [{ registry: "other.example.com" }];
  return { name: "a token service", own: [{ registry }], foreign, life, open: async () => openWorld(make) };
}

const lookUpFor =
  ({ lookUp }: Outside): CredentialProvider =>
  async (request) => {
    request.signal?.throwIfAborted();
    return request.registry === registry ? lookUp(request.signal) : undefined;
  };

const sound = (outside: Outside): CredentialProvider => memoize(lookUpFor(outside), { now: outside.now });

credentialProviderContract(subjectOf(sound));

/** Providers that each break one promise, under the title of a case that must notice. */
const unsound: Readonly<Record<string, (outside: Outside) => CredentialProvider>> = {
  "nothing is done before a credential is asked for": (outside) => {
    void outside.lookUp(undefined);
    return sound(outside);
  },
  "registry.example.com has a credential": () => async () => undefined,
  "other.example.com has nothing, and nothing is looked up for it": (outside) => async (request) => {
    const credential = await outside.lookUp(request.signal);
    return request.registry === registry ? credential : undefined;
  },
  "names that look like registry.example.com have nothing (GO-2026-6225)": (outside) => async (request) =>
    /^registry.example.com$/.test(request.registry) ? outside.lookUp(request.signal) : undefined,
  "a resource of its own has a credential for its repositories too": (outside) => async (request) =>
    request.repository === undefined ? outside.lookUp(request.signal) : undefined,
  "a resource that is not its own has nothing, even while lookups fail": (outside) => async (request) =>
    outside.lookUp(request.signal),
  "a credential that should be there and is not is an error, never anonymous access":
    (outside) => async (request) =>
      sound(outside)(request).catch(() => undefined),
  "the error tells what can be done about it": (outside) => async (request) =>
    sound(outside)(request).catch(() => {
      throw new OciError("CREDENTIAL_UNAVAILABLE", "no");
    }),
  "requests at the same time all fail with it": (outside) => {
    let calls = 0;
    return async (request) => (calls++ === 0 ? sound(outside)(request) : undefined);
  },
  "a failure is not remembered": (outside) => {
    let first: Promise<Credential | undefined> | undefined;
    return (request) => (first ??= sound(outside)(request));
  },
  "a request that was aborted before rejects with the signal's reason and looks nothing up":
    (outside) => () =>
      outside.lookUp(undefined),
  "a request that is aborted during a lookup rejects with the signal's reason":
    (outside) => async (request) => {
      const { signal } = request;
      return Promise.race([
        outside.lookUp(signal),
        new Promise<never>((_resolve, reject) => {
          signal?.addEventListener("abort", () => reject(new Error("aborted")));
        }),
      ]);
    },
  "a request that is aborted leaves the others theirs": (outside) => {
    const shared = sound(outside);
    let first: Promise<Credential | undefined> | undefined;
    return (request) => (first ??= shared(request));
  },
  "a lookup that everybody has left is not waited for by the next request": (outside) => {
    const shared = sound(outside);
    let first: Promise<Credential | undefined> | undefined;
    return (request) => (first ??= shared(request));
  },
  "requests at the same time share one lookup": lookUpFor,
  "a credential that still serves is not looked up again": lookUpFor,
  "a credential tells when it expires": (outside) => async (request) => {
    const credential = await sound(outside)(request);
    return credential && { ...credential, expiresAt: undefined };
  },
  "a credential is kept for the first third of its life": lookUpFor,
  "a credential is replaced when its life is over": (outside) =>
    memoize(lookUpFor(outside), { now: () => 0 }),
  "a renewal that fails leaves the credential while it lives": lookUpFor,
  "a credential that has expired is an error when none replaces it": (outside) =>
    memoize(lookUpFor(outside), { now: () => 0 }),
  "a credential that was refused is looked up again, and never given again": (outside) => {
    const kept = sound(outside);
    return (request) => kept({ ...request, rejected: undefined });
  },
  "a credential that was refused is replaced by the one that is there now": (outside) => {
    const kept = sound(outside);
    return (request) => kept({ ...request, rejected: undefined });
  },
  "a late refusal of an old credential leaves the new one in place": lookUpFor,
  "requests that were refused at the same time share one lookup": lookUpFor,
  "a credential shows its secret to nobody who prints it": (outside) => async (request) => {
    const credential = await sound(outside)(request);
    return credential?.type === "bearer" ? { ...credential, text: credential.token.reveal() } : undefined;
  },
  "a provider shows no secret, after it was used either": (outside) => {
    const kept = sound(outside);
    const used: CredentialProvider & { last?: string } = async (request) => {
      const credential = await kept(request);
      if (credential?.type === "bearer") used.last = credential.token.reveal();
      return credential;
    };
    return used;
  },
  "a failure shows no secret, whatever the outside said": (outside) => async (request) =>
    sound(outside)(request).catch(() => {
      throw new Error("the service said: canary-token-0");
    }),
  "the refusal of a credential shows no secret": (outside) => {
    const kept = sound(outside);
    return async (request) =>
      kept(request).catch(() => {
        throw new Error(
          `refused: ${request.rejected?.type === "bearer" ? request.rejected.token.reveal() : ""}`,
        );
      });
  },
};

describe("the credential provider contract notices a provider that breaks the case", () => {
  const all: readonly CredentialCase[] = [
    ...resourceCases(subjectOf(sound)),
    ...[failureCases, abortCases, sharingCases, lifeCases, refusalCases, secrecyCases].flat(),
  ];

  it("has an unsound provider for each case", () => {
    expect(Object.keys(unsound).sort()).toEqual(all.map(({ title }) => title).sort());
  });

  for (const each of all) {
    it(each.title, async () => {
      const make = unsound[each.title] ?? sound;
      const subject = subjectOf(make);
      const open = async (): Promise<CredentialWorld> => subject.open();
      await expect(each.run({ subject, open, world: await open() })).rejects.toBeInstanceOf(Error);
    });
  }
});
