import { inspect } from "node:util";
import { MemoryRegistry, OciError, Secret, type Registry, type Scope } from "@drayage/oci";
import { createImage, pushImage } from "@drayage/testkit";
import { describe, expect, test } from "vitest";
import { ask, registries, serve } from "../../fixture/serve.ts";
import type { HandlerOptions } from "../options.ts";
import { anyAccounts, type Accounts } from "./accounts.ts";
import { anyMethod, type AuthenticationRequest } from "./authenticate.ts";
import { basicMethod } from "./basic.ts";
import { bearerChallenge } from "./challenge.ts";
import { authorizeBy } from "./policy.ts";

const password = "c4n4ry";
const basic = (user: string, secret: string = password) => ({
  authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`,
});
const image = createImage({ layers: 1 });
const other = createImage({ layers: 1, seed: 7 });
const { digest } = image.document.descriptor;
const layer = image.blobs[0]?.descriptor.digest ?? digest;

/** Everybody has the same password. */
const accounts: Accounts = {
  logIn: ({ username, password: given }) =>
    Promise.resolve(given.equals(new Secret(password)) ? { identity: { subject: username } } : undefined),
};
const authorize = authorizeBy({
  rules: [
    { repositories: ["**"], actions: ["pull", "push", "delete", "overwrite"], subjects: ["admin"] },
    { repositories: ["team/**"], actions: ["pull", "push"], subjects: ["writer"] },
    { repositories: ["team/**"], actions: ["pull"], subjects: ["reader"] },
    { repositories: ["public/*"], actions: ["pull"], everybody: true },
  ],
});
const guarded: HandlerOptions = { ...basicMethod(accounts), authorize };

async function filled(create: () => Registry): Promise<Registry> {
  const registry = create();
  for (const name of ["public/a", "secret/a", "team/a"]) {
    await pushImage(registry.repository(name), image, { tags: ["v1"] });
  }
  return registry;
}

describe.each(registries)("a guarded handler over %s", (_name, create) => {
  test("asks at /v2/ and at the catalog who is there, even where anybody may pull (S31)", async () => {
    const server = await serve(await filled(create), guarded);
    for (const target of ["/v2/", "/v2/_catalog"]) {
      const { status, headers, codes } = await ask(server, "GET", target);
      expect([status, codes]).toEqual([401, ["UNAUTHORIZED"]]);
      expect(headers["www-authenticate"]).toBe('Basic realm="registry"');
      expect((await ask(server, "GET", target, { headers: basic("nobody") })).status).toBe(200);
    }
    expect((await ask(server, "GET", "/v2/public/a/tags/list")).status).toBe(200);
    const open = await serve(await filled(create), { ...guarded, openBase: true });
    expect((await ask(open, "GET", "/v2/")).status).toBe(200);
    expect((await ask(open, "GET", "/v2/_catalog")).json).toEqual({ repositories: ["public/a"] });
  });

  test("OPTIONS is answered before anybody is asked who is there, as browsers need it, and tells no more than methods", async () => {
    const server = await serve(await filled(create), guarded);
    const [there, absent] = [
      await ask(server, "OPTIONS", `/v2/secret/a/blobs/${layer}`),
      await ask(server, "OPTIONS", `/v2/nobody/blobs/${layer}`),
    ];
    expect([there.status, there.headers.allow]).toEqual([204, "GET, HEAD, DELETE, OPTIONS"]);
    expect([absent.status, absent.headers.allow]).toEqual([204, there.headers.allow]);
  });

  test("the catalog lists just what may be pulled, in whole pages (S1, Harbor CVE-2020-29662)", async () => {
    const server = await serve(await filled(create), guarded);
    const list = async (user: string, query = "") =>
      ask(server, "GET", `/v2/_catalog${query}`, { headers: basic(user) });
    expect((await list("admin")).json).toEqual({ repositories: ["public/a", "secret/a", "team/a"] });
    expect((await list("reader")).json).toEqual({ repositories: ["public/a", "team/a"] });
    expect((await list("nobody")).json).toEqual({ repositories: ["public/a"] });
    const page = await list("reader", "?n=1&last=public%2Fa");
    expect([page.json, page.headers["link"]]).toEqual([{ repositories: ["team/a"] }, undefined]);
  });

  test("what does not exist looks like what is forbidden (S23)", async () => {
    const server = await serve(await filled(create), guarded);
    for (const headers of [{}, basic("reader")]) {
      const [there, missing] = await Promise.all(
        ["secret/a", "secret/b"].map((name) => ask(server, "GET", `/v2/${name}/manifests/v1`, { headers })),
      );
      expect(there?.status).toBe("authorization" in headers ? 403 : 401);
      expect([missing?.status, missing?.json]).toEqual([there?.status, there?.json]);
      expect(missing?.headers["www-authenticate"]).toBe(there?.headers["www-authenticate"]);
    }
  });

  test("a mount needs pull on its source, and does not tell what is there (S3)", async () => {
    const registry = await filled(create);
    const server = await serve(registry, guarded);
    const mount = async (query: string) => {
      const target = `/v2/team/b/blobs/uploads/?mount=${query}`;
      const { status, headers, body } = await ask(server, "POST", target, { headers: basic("writer") });
      const shape = Object.keys(headers).toSorted();
      return { status, body: body.toString(), shape, range: headers["range"] };
    };
    const missing = await mount(`${layer}&from=team/none`);
    expect(missing.status).toBe(202);
    expect(await mount(`${layer}&from=secret/a`)).toEqual(missing);
    expect(await mount(`${layer}&from=secret/none`)).toEqual(missing);
    expect(await mount(layer)).toEqual(missing);
    expect(await registry.repository("team/b").headBlob(layer)).toBeUndefined();
    expect((await mount(`${layer}&from=public/a`)).status).toBe(201);
  });

  test("who may push may set new tags, but move none that exist (S5, zot CVE-2026-31801)", async () => {
    const registry = await filled(create);
    await pushImage(registry.repository("team/a"), other, { tags: ["other"] });
    const server = await serve(registry, guarded);
    const put = (user: string, reference: string, document = image.document) =>
      ask(server, "PUT", `/v2/team/a/manifests/${reference}`, {
        headers: { ...basic(user), "content-type": document.descriptor.mediaType },
        body: document.bytes,
      });
    const found = (tag: string) => registry.repository("team/a").headManifest(tag);
    expect((await put("writer", "v2")).status).toBe(201);
    expect((await put("writer", "v1")).status).toBe(201);
    for (const reference of [
      "v1",
      `${other.document.descriptor.digest}?tag=v1`,
      `${other.document.descriptor.digest}?tag=v9&tag=v1`,
    ]) {
      const { status, codes } = await put("writer", reference, other.document);
      expect([reference, status, codes]).toEqual([reference, 403, ["DENIED"]]);
    }
    expect([await found("v1"), await found("v9")]).toEqual([image.document.descriptor, undefined]);
    expect((await put("writer", `${digest}?tag=v1&tag=v3`)).status).toBe(201);
    expect(await found("v3")).toEqual(image.document.descriptor);
    expect((await put("admin", "v1", other.document)).status).toBe(201);
    expect(await found("v1")).toEqual(other.document.descriptor);
  });

  test("of many who may only set new tags, one wins a tag (S5)", async () => {
    const registry = await filled(create);
    await pushImage(registry.repository("team/a"), other);
    const server = await serve(registry, guarded);
    const documents = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? image : other).document);
    const answers = await Promise.all(
      documents.map((document) =>
        ask(server, "PUT", "/v2/team/a/manifests/race", {
          headers: { ...basic("writer"), "content-type": document.descriptor.mediaType },
          body: document.bytes,
        }),
      ),
    );
    const winner = await registry.repository("team/a").headManifest("race");
    const created = documents.filter((_document, index) => answers[index]?.status === 201);
    expect(created.length).toBeGreaterThan(0);
    expect(created.filter(({ descriptor }) => descriptor.digest !== winner?.digest)).toEqual([]);
  });

  test("an upload belongs to who began it (S12)", async () => {
    const server = await serve(await filled(create), { ...basicMethod(accounts) });
    const start = await ask(server, "POST", "/v2/team/a/blobs/uploads/", { headers: basic("writer") });
    const { location = "" } = start.headers;
    for (const [method, target] of [
      ["GET", location],
      ["PATCH", location],
      ["PUT", `${location}?digest=${layer}`],
      ["DELETE", location],
    ] as const) {
      const { status, codes } = await ask(server, method, target, { headers: basic("admin"), body: "x" });
      expect([method, status, codes]).toEqual([method, 404, ["BLOB_UPLOAD_UNKNOWN"]]);
    }
    const own = await ask(server, "PATCH", location, { headers: basic("writer"), body: "x" });
    expect([own.status, own.headers["range"]]).toEqual([202, "0-0"]);
  });

  test("a repository of an impossible name is 400 before anybody is asked anything", async () => {
    const server = await serve(create(), guarded);
    expect((await ask(server, "GET", "/v2/A/tags/list")).codes).toEqual(["NAME_INVALID"]);
  });
});

describe("authenticate", () => {
  const serveWith = (options: HandlerOptions) => serve(new MemoryRegistry(), options);

  test("gets the user and password in a form that nothing prints (S25)", async () => {
    const seen: AuthenticationRequest[] = [];
    const server = await serveWith({
      authenticate: async (request) => {
        seen.push(request);
        return { subject: "me" };
      },
    });
    expect((await ask(server, "GET", "/v2/", { headers: basic("me") })).status).toBe(200);
    expect(seen[0]?.proof).toMatchObject({ scheme: "basic", username: "me" });
    expect(seen[0]?.peer.address).toBe("127.0.0.1");
    const printed = inspect(seen, { depth: 10 }) + JSON.stringify(seen);
    for (const secret of [password, basic("me").authorization.slice(6)])
      expect(printed).not.toContain(secret);
  });

  test("alone lets in whoever it knows, to everything, and nobody else", async () => {
    const server = await serveWith(basicMethod(accounts));
    const upload = "/v2/a/blobs/uploads/";
    expect((await ask(server, "POST", upload, { headers: basic("me") })).status).toBe(202);
    expect((await ask(server, "POST", upload)).status).toBe(401);
    expect((await ask(server, "POST", upload, { headers: basic("me", "wrong") })).status).toBe(401);
  });

  test("an empty user and password, which skopeo sends for none, is nobody; what nobody understands is refused", async () => {
    const server = await serve(await filled(() => new MemoryRegistry()), guarded);
    const get = async (authorization: string) =>
      (await ask(server, "GET", "/v2/public/a/tags/list", { headers: { authorization } })).status;
    expect(await get("Basic Og==")).toBe(200);
    for (const header of ["Bearer abc", "Digest abc", "Basic !", "Basic"])
      expect(await get(header)).toBe(401);
  });

  test.each([
    true,
    "admin",
    1,
    null,
    [],
    { subject: "" },
    { subject: 1 },
    { subject: "a", groups: "b" },
    { subject: "a", granted: true },
    { subject: "a", granted: [{}] },
  ])(
    "%j is no identity, so nobody is let in, and whoever runs the server hears of it (S30)",
    async (answer) => {
      const told: unknown[] = [];
      const server = await serveWith({
        authenticate: () => Promise.resolve(answer) as never,
        onError: (error) => told.push(error),
      });
      expect((await ask(server, "GET", "/v2/")).status).toBe(401);
      expect(told).toMatchObject([{ code: "OPTION_INVALID" }]);
    },
  );

  test.each([
    [new OciError("UNAUTHORIZED", "no"), 401],
    [new OciError("TOOMANYREQUESTS", "slowly"), 429],
    [new OciError("UNAVAILABLE", "no directory"), 503],
    [new Error("bug"), 500],
  ])("what it throws is an answer, never access: %s", async (error, status) => {
    const server = await serveWith({
      authenticate: () => Promise.reject(error),
      authorize: ({ scopes }) => scopes,
    });
    const answer = await ask(server, "GET", "/v2/a/tags/list", { headers: basic("me") });
    expect([answer.status, answer.headers["www-authenticate"] !== undefined]).toEqual([
      status,
      status === 401,
    ]);
    expect(answer.body.toString()).not.toMatch(/bug|directory/);
  });

  test("several methods are asked in turn, and clients for the first that has a challenge", async () => {
    const bearer = {
      authenticate: async () => undefined,
      challenge: bearerChallenge("https://auth.test/token", "registry.test"),
    };
    const silent = { authenticate: async () => undefined };
    const server = await serveWith(anyMethod(silent, bearer, basicMethod(accounts)));
    expect((await ask(server, "GET", "/v2/", { headers: basic("me") })).status).toBe(200);
    expect((await ask(server, "GET", "/v2/")).headers["www-authenticate"]).toBe(
      'Bearer realm="https://auth.test/token",service="registry.test"',
    );
  });

  test("accounts of several sources are asked in turn", async () => {
    const me = { identity: { subject: "me" } };
    const both = anyAccounts(
      { logIn: async () => undefined, find: async () => undefined },
      { logIn: async () => me, find: async (subject) => (subject === "me" ? me : undefined) },
    );
    const login = { username: "me", password: new Secret("x") };
    expect([await both.logIn(login), await both.find?.("me"), await both.find?.("you")]).toEqual([
      me,
      me,
      undefined,
    ]);
  });
});

describe("authorize", () => {
  test("is asked once, for all that a request needs or wants", async () => {
    const asked: (readonly Scope[])[] = [];
    const server = await serve(new MemoryRegistry(), {
      ...basicMethod(accounts),
      authorize({ identity, scopes }) {
        expect(identity).toMatchObject({ subject: "me" });
        asked.push(scopes);
        return scopes;
      },
    });
    await ask(server, "POST", `/v2/a/blobs/uploads/?mount=${layer}&from=b`, { headers: basic("me") });
    await ask(server, "PUT", "/v2/a/manifests/v1", { headers: basic("me") });
    expect(asked).toEqual([
      [
        { type: "repository", name: "a", actions: ["pull", "push"] },
        { type: "repository", name: "b", actions: ["pull"] },
      ],
      [
        { type: "repository", name: "a", actions: ["pull", "push"] },
        { type: "repository", name: "a", actions: ["overwrite"] },
      ],
    ]);
  });

  const list = (name: string) => ({ type: "repository", name, actions: ["pull"] });

  test.each([
    true,
    undefined,
    null,
    "pull",
    {},
    { allow: true },
    [true],
    [{ ...list("a"), actions: "pull" }],
  ])(
    "%j is no list of scopes, so nothing is allowed, and whoever runs the server hears of it (S30)",
    async (answer) => {
      const told: unknown[] = [];
      const server = await serve(new MemoryRegistry(), {
        ...basicMethod(accounts),
        authorize: () => Promise.resolve(answer) as never,
        onError: (error) => told.push(error),
      });
      const { status, codes } = await ask(server, "GET", "/v2/a/tags/list", { headers: basic("me") });
      expect([status, codes]).toEqual([403, ["DENIED"]]);
      expect(told).toMatchObject([{ code: "OPTION_INVALID" }]);
    },
  );

  test("allowing something else allows nothing (S7)", async () => {
    const allowed = [list("a/b"), list("A"), list("*"), { ...list("a"), type: "registry" }];
    const server = await serve(new MemoryRegistry(), { ...basicMethod(accounts), authorize: () => allowed });
    expect((await ask(server, "GET", "/v2/a/tags/list", { headers: basic("me") })).status).toBe(403);
  });

  test("is never asked whether a token may do more than it says", async () => {
    const granted = [list("a")];
    const server = await serve(new MemoryRegistry(), {
      authenticate: async () => ({ subject: "me", granted }),
      challenge: bearerChallenge("https://auth.test/token", "registry.test"),
      authorize: ({ scopes }) => scopes,
    });
    expect((await ask(server, "GET", "/v2/a/tags/list")).status).toBe(404);
    const answer = await ask(server, "POST", `/v2/a/blobs/uploads/?mount=${layer}&from=b`);
    expect([answer.status, answer.headers["www-authenticate"]]).toEqual([
      401,
      'Bearer realm="https://auth.test/token",service="registry.test",' +
        'scope="repository:a:pull,push repository:b:pull",error="insufficient_scope"',
    ]);
  });

  test("does not make a mount of what the token does not say (S3)", async () => {
    const mountWith = async (granted: readonly Scope[]) => {
      const server = await serve(await filled(() => new MemoryRegistry()), {
        authenticate: async () => ({ subject: "me", granted }),
        authorize: ({ scopes }) => scopes,
      });
      return (await ask(server, "POST", `/v2/new/blobs/uploads/?mount=${layer}&from=secret/a`)).status;
    };
    const own = { ...list("new"), actions: ["pull", "push"] };
    expect([await mountWith([own]), await mountWith([own, list("secret/a")])]).toEqual([202, 201]);
  });

  test("may say why not", async () => {
    const server = await serve(new MemoryRegistry(), {
      ...basicMethod(accounts),
      authorize: () => Promise.reject(new OciError("DENIED", "the quota is used up")),
    });
    const { status, body } = await ask(server, "GET", "/v2/a/tags/list", { headers: basic("me") });
    expect([status, body.toString()]).toEqual([403, expect.stringContaining("the quota is used up")]);
  });
});

describe("endpoints", () => {
  test("are served beside /v2/, by method, with the query and what proves who asks", async () => {
    const endpoint = {
      GET: async ({ query, proof }: { query: string; proof: unknown }) => ({
        status: 200,
        headers: {},
        body: JSON.stringify({ query, proof }),
      }),
    };
    const server = await serve(new MemoryRegistry(), { endpoints: { "/x": endpoint } });
    const { body } = await ask(server, "GET", "/x?a=b?c", { headers: basic("me") });
    expect(body.toString()).toBe(
      '{"query":"a=b?c","proof":{"scheme":"basic","username":"me","password":"[secret]"}}',
    );
    const post = await ask(server, "POST", "/x");
    expect([post.status, post.headers["allow"]]).toEqual([405, "GET, OPTIONS"]);
    for (const target of ["/y", "/x/", "/constructor", "/__proto__"]) {
      expect((await ask(server, "GET", target)).codes).toEqual(["NAME_UNKNOWN"]);
    }
  });
});
