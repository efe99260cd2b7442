import {
  formatAuthorization,
  formatRoute,
  parseChallenges,
  parseToken,
  type Action,
  type Registry,
  type Route,
} from "@drayage/oci";
import {
  authorizeBy,
  basicMethod,
  createHandler,
  createMemoryDriver,
  createRegistry,
  listen,
  type Accounts,
  type HandlerOptions,
} from "@drayage/registry";
import { createSigningKeys, createTokenService } from "@drayage/registry-auth";
import { createImage } from "@drayage/testkit";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { operationsOf } from "../../packages/registry/src/http/route-table.ts";

const name = "team/app";
const { digest } = createImage().document.descriptor;

/** One of each kind: a route that is missing here does not compile. */
const routes: { readonly [Kind in Route["kind"]]: Extract<Route, { readonly kind: Kind }> } = {
  base: { kind: "base" },
  catalog: { kind: "catalog" },
  tags: { kind: "tags", name },
  manifest: { kind: "manifest", name, reference: "v1" },
  blob: { kind: "blob", name, digest },
  uploads: { kind: "uploads", name },
  upload: { kind: "upload", name, id: "00000000-0000-4000-8000-000000000000", digest },
  referrers: { kind: "referrers", name, digest },
};
const operations = Object.values(routes).flatMap((route) =>
  Object.entries(operationsOf(route)).map(([method, { access }]) => ({
    method,
    kind: route.kind,
    path: formatRoute(route),
    access,
  })),
);

/** Who may do what with the repository; everybody's password is the same. */
const rights: Readonly<Record<string, readonly Action[]>> = {
  puller: ["pull"],
  pusher: ["pull", "push"],
  "push-only": ["push"],
  deleter: ["delete"],
  owner: ["pull", "push", "delete"],
  stranger: [],
};
const password = "c4n4ry-pw";
const accounts: Accounts = {
  logIn: async ({ username, password: given }) =>
    given.reveal() === password && Object.hasOwn(rights, username)
      ? { identity: { subject: username } }
      : undefined,
};
const authorize = authorizeBy({
  rules: [
    // Nobody is without any right, so that nobody is refused for want of one somewhere.
    { repositories: ["other/app"], actions: ["pull", "push", "delete"], subjects: ["**"] },
    ...Object.entries(rights)
      .filter(([, actions]) => actions.length > 0)
      .map(([subject, actions]) => ({ repositories: [name], actions, subjects: [subject] })),
  ],
});
const basic = (username: string, given = password): string =>
  formatAuthorization({ scheme: "basic", username, password: given });

/** What a request is answered with, and whether it came as far as the repository or the list of all. */
interface Answered {
  readonly status: number;
  readonly challenge: string | null;
  readonly isServed: boolean;
}
type Ask = (
  request: { readonly method: string; readonly path: string },
  authorization?: string,
) => Promise<Answered>;

async function open(options: HandlerOptions): Promise<{ readonly url: string; readonly ask: Ask }> {
  const registry = createRegistry(createMemoryDriver());
  let served = 0;
  const counted: Registry = {
    repository(...args) {
      served++;
      return registry.repository(...args);
    },
    listRepositories(...args) {
      served++;
      return registry.listRepositories(...args);
    },
  };
  const server = await listen(createHandler(counted, { ...options, authorize }));
  onTestFinished(() => server.close());
  const ask: Ask = async ({ method, path }, authorization) => {
    const before = served;
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(server.url + path, { method, headers });
    await response.arrayBuffer();
    const { status } = response;
    return { status, challenge: response.headers.get("www-authenticate"), isServed: served > before };
  };
  return { url: server.url, ask };
}

/** What a challenge says is wrong with the token. */
const errorOf = (challenge: string | null): string | undefined =>
  parseChallenges(challenge ?? "").challenges[0]?.params.get("error");

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A registry with a token service, and a token of another service that signs with the same keys. */
async function openTokens() {
  let time = Date.now();
  const keys = createSigningKeys();
  const openService = (service: string) =>
    open(
      createTokenService({
        accounts,
        authorize,
        service,
        issuer: "issuer.test",
        realm: "https://registry.test/token",
        keys,
        now: () => time,
      }),
    );
  const { url, ask } = await openService("registry.test");
  const elsewhere = await openService("elsewhere.test");
  return {
    ask,
    tokenOf: (user?: string) => fetchToken(url, user),
    strangeToken: await fetchToken(elsewhere.url, "owner"),
    wait: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

/** A token for all that its user may do. */
async function fetchToken(url: string, user: string | undefined): Promise<string> {
  const scopes = [`repository:${name}:*`, "repository:other/app:*", "registry:catalog:*"];
  const query = scopes.map((scope) => `scope=${encodeURIComponent(scope)}`).join("&");
  const headers = user === undefined ? {} : { authorization: basic(user) };
  const response = await fetch(`${url}/token?${query}`, { headers });
  return parseToken(new Uint8Array(await response.arrayBuffer())).value;
}

/** Whether the rights are enough for an operation of the table; `/v2/` and the catalog want only somebody. */
function suffices(actions: readonly Action[], { kind, access }: (typeof operations)[number]): boolean {
  return kind === "base" || kind === "catalog" || access.every((action) => actions.includes(action));
}

/** Whether a request was admitted, or else the status of its refusal; what was refused has touched nothing. */
function outcomeOf({ status, challenge, isServed }: Answered, { kind }: { readonly kind: string }): string {
  const isRefused = status === 401 || status === 403;
  const isWhole = isRefused
    ? !isServed && (challenge !== null) === (status === 401)
    : challenge === null && isServed === (kind !== "base");
  if (!isWhole) return `${status} with ${challenge}, served: ${isServed}`;
  return isRefused ? String(status) : "admitted";
}

describe.each(operations)("$method $path (S1)", (operation) => {
  test("by user name and password", async () => {
    const { ask } = await open(basicMethod(accounts));
    for (const [proof, authorization] of [
      ["none", undefined],
      ["a wrong password", basic("owner", "wrong")],
      ["an unknown user", basic("nobody")],
      ["a token, which nobody here understands", "Bearer abc"],
      ["another scheme", "Negotiate abc"],
    ] as const) {
      const answer = await ask(operation, authorization);
      expect([proof, outcomeOf(answer, operation)]).toEqual([proof, "401"]);
      expect(answer.challenge).toBe('Basic realm="registry"');
    }
    for (const [user, actions] of Object.entries(rights)) {
      const expected = suffices(actions, operation) ? "admitted" : "403";
      const answer = await ask(operation, basic(user));
      expect([user, outcomeOf(answer, operation)]).toEqual([user, expected]);
    }
  });

  test("by a token", async () => {
    const { ask, tokenOf } = await openTokens();
    for (const [user, actions] of Object.entries(rights)) {
      const expected = suffices(actions, operation) ? "admitted" : "401";
      const answer = await ask(operation, `Bearer ${await tokenOf(user)}`);
      expect([user, outcomeOf(answer, operation)]).toEqual([user, expected]);
      const error = expected === "401" ? "insufficient_scope" : undefined;
      expect([user, errorOf(answer.challenge)]).toEqual([user, error]);
    }
    const nobody = await ask(operation, `Bearer ${await tokenOf()}`);
    expect(outcomeOf(nobody, operation)).toBe(operation.kind === "base" ? "admitted" : "401");
    const none = await ask(operation);
    expect(outcomeOf(none, operation)).toBe("401");
    expect(none.challenge).toMatch(
      /^Bearer realm="https:\/\/registry\.test\/token",service="registry\.test"(,scope="[^"]+")?$/,
    );
  });

  test("by a token that is none here", async () => {
    const { ask, tokenOf, strangeToken, wait } = await openTokens();
    const good = await tokenOf("owner");
    const [header = "", payload = "", signature = ""] = good.split(".");
    const { kid } = decodeProtectedHeader(good);
    const claims = { ...decodeJwt(await tokenOf("stranger")), access: decodeJwt(good)["access"] };
    const refusedTokens: readonly (readonly [string, string])[] = [
      ["of another service", strangeToken],
      ["of alg none", `${encode({ alg: "none", kid })}.${payload}.`],
      ["of alg HS256", `${encode({ alg: "HS256", kid })}.${payload}.${signature}`],
      ["with other claims under a good signature", `${header}.${encode(claims)}.${signature}`],
      ["with half a signature", good.slice(0, -20)],
      ["of nonsense", "abc"],
    ];
    for (const [what, token] of refusedTokens) {
      const answer = await ask(operation, `Bearer ${token}`);
      expect([what, outcomeOf(answer, operation)]).toEqual([what, "401"]);
      expect([what, errorOf(answer.challenge)]).toEqual([what, "invalid_token"]);
    }
    expect(outcomeOf(await ask(operation, basic("owner")), operation)).toBe("401");
    wait(3_600_000);
    const expired = await ask(operation, `Bearer ${good}`);
    expect(outcomeOf(expired, operation)).toBe("401");
  });
});

test("the table has every method of every route", () => {
  expect(operations.length).toBeGreaterThan(20);
  expect(new Set(operations.map(({ kind }) => kind))).toEqual(new Set(Object.keys(routes)));
});
