import { inspect } from "node:util";
import { fromStatic, OciError } from "@drayage/oci";
import { createImage, testCertificate, type ScriptedRegistryOptions } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { openProxy, type TestProxyOptions } from "../../fixture/proxy.ts";
import { errorOf, openScripted } from "../../fixture/scripted.ts";
import { createClient } from "../client.ts";
import type { NetworkOptions } from "../options.ts";
import { createProxyChoice, proxyFromEnvironment, type ProxyOptions } from "./proxy.ts";

const image = createImage({ layers: 1 });

interface Scene {
  readonly proxy?: Partial<TestProxyOptions>;
  readonly server?: ScriptedRegistryOptions;
  readonly network?: (port: number) => Partial<NetworkOptions>;
  readonly timeouts?: { readonly connect: number };
}

/** A registry over TLS that only the proxy can find by name, and a client that knows the proxy. */
async function openBehindProxy({ proxy: about, server, network, timeouts }: Scene = {}) {
  const lookup: TestProxyOptions["lookup"] = (...call) => opened.server.lookup(...call);
  const proxy = await openProxy({ lookup, ...about });
  const through = { url: `http://127.0.0.1:${proxy.port}` };
  const opened = await openScripted({ tls: testCertificate, ...server }, (registry) => ({
    hosts: { [registry.host()]: { plainHttp: registry.url().startsWith("http:") } },
    network: {
      ca: testCertificate.cert,
      proxy: { https: through, http: through },
      ...network?.(proxy.port),
    },
    credentials: fromStatic(registry.host(), { username: "me", password: "canary-of-the-registry" }),
    retry: { attempts: 1 },
    timeouts,
  }));
  await opened.server.content.add("library/app", image, { tags: ["v1"] });
  return {
    ...opened,
    proxy,
    targets: () => proxy.asked.map(({ target }) => target),
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

describe("through a proxy", () => {
  it("a registry is reached by CONNECT, over TLS and HTTP/2 as without one", async () => {
    await using opened = await openBehindProxy();
    expect(await opened.repository.getManifest("v1")).toMatchObject({ bytes: image.document.bytes });
    expect(opened.targets()).toEqual([opened.server.host()]);
    expect(opened.server.ledger.map(({ httpVersion }) => httpVersion)).toEqual(["2.0"]);
  });

  it("without a time to connect there is no end to the wait for it, rather than no wait", async () => {
    await using opened = await openBehindProxy({ timeouts: { connect: 0 } });
    expect(await opened.repository.headManifest("v1")).toBeDefined();
  });

  it("blobs come too, and plain HTTP", async () => {
    await using opened = await openBehindProxy({ server: { tls: undefined } });
    const { descriptor } = image.config;
    const { body } = await opened.repository.getBlob(descriptor.digest);
    let size = 0;
    for await (const chunk of body) size += chunk.byteLength;
    expect(size).toBe(descriptor.size);
    expect(opened.targets()).toEqual([opened.server.host()]);
  });

  it("that is spoken to over TLS itself", async () => {
    await using opened = await openBehindProxy({
      proxy: { tls: testCertificate },
      network: (port) => ({
        lookup: (_name, { all }, callback) =>
          all === true
            ? callback(null, [{ address: "127.0.0.1", family: 4 }])
            : callback(null, "127.0.0.1", 4),
        proxy: { https: { url: `https://other.test:${port}` } },
      }),
    });
    expect(await opened.repository.headManifest("v1")).toBeDefined();
    expect(opened.targets()).toEqual([opened.server.host()]);
    // In HTTP/2, CONNECT is another thing (RFC 9113 §8.5).
    expect(opened.proxy.asked.map(({ protocol }) => protocol)).toEqual(["http/1.1"]);
  });

  it("TLS is the registry's own: a certificate that nobody vouches for is refused", async () => {
    await using opened = await openBehindProxy({ network: () => ({ ca: undefined }) });
    const error = await errorOf(opened.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", retryable: false });
    expect(opened.server.ledger).toEqual([]);
  });
});

it("a proxy that is not there is an error that names it", async () => {
  const gone = await openProxy({ lookup: () => undefined });
  await gone[Symbol.asyncDispose]();
  const proxy = { https: { url: `http://127.0.0.1:${gone.port}` } };
  await using opened = await openBehindProxy({ network: () => ({ proxy }), timeouts: { connect: 200 } });
  const error = await errorOf(opened.repository.headManifest("v1"));
  expect(error).toMatchObject({ code: "CONNECTION_FAILED", retryable: true });
  expect(String(error)).toContain(`the proxy 127.0.0.1:${gone.port} cannot be reached (ECONNREFUSED)`);
});

describe("C40 what a proxy gets to see", () => {
  const withUser = (port: number, password: string): Partial<NetworkOptions> => ({
    proxy: { https: { url: `http://127.0.0.1:${port}`, username: "us", password } },
  });

  it("is its own password, which the registry does not see, and nothing of the registry's", async () => {
    await using opened = await openBehindProxy({
      proxy: { user: "us:canary-of-the-proxy" },
      server: { tls: testCertificate, auth: { basic: { me: "canary-of-the-registry" } } },
      network: (port) => withUser(port, "canary-of-the-proxy"),
    });
    expect(await opened.repository.headManifest("v1")).toBeDefined();
    expect(Object.keys(opened.proxy.asked[0]?.headers ?? {}).toSorted()).toEqual([
      "connection",
      "host",
      "proxy-authorization",
    ]);
    const seen = opened.server.ledger.flatMap(({ headers }) => Object.keys(headers));
    expect(seen).not.toContain("proxy-authorization");
  });

  it("a refused password is an error that does not tell it, and is not tried again", async () => {
    await using opened = await openBehindProxy({
      proxy: { user: "us:right" },
      network: (port) => withUser(port, "canary-of-the-proxy"),
    });
    const error = await errorOf(opened.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", status: 407, retryable: false, method: "HEAD" });
    expect(error).toMatchObject({ hint: expect.stringContaining("network.proxy") as unknown });
    const secret = Buffer.from("us:canary-of-the-proxy").toString("base64");
    for (const value of [error, opened.client, opened.events]) {
      expect(inspect(value, { depth: 20, showHidden: true })).not.toMatch(/canary-of-the-proxy/);
      expect(inspect(value, { depth: 20, showHidden: true })).not.toContain(secret);
    }
  });

  it.each([
    [502, true],
    [403, false],
  ])("its own %d is worth another try: %s", async (status, retryable) => {
    await using opened = await openBehindProxy({ proxy: { status } });
    const error = await errorOf(opened.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", status, retryable });
  });

  it("and if it never answers, that is a TIMEOUT", async () => {
    await using opened = await openBehindProxy({ proxy: { isSilent: true }, timeouts: { connect: 50 } });
    const error = await errorOf(opened.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "TIMEOUT", attempt: 1 });
  });
});

describe("C6 the address rule holds before a proxy", () => {
  it.each(["169.254.169.254", "127.0.0.1:1", "10.0.0.1", "[::ffff:10.0.0.1]"])(
    "a redirect to %s is not asked for",
    async (address) => {
      await using opened = await openBehindProxy();
      const answer = { status: 307, headers: { location: `https://${address}/x` } };
      opened.server.script([{ path: "/v2/*", answer }]);
      const error = await errorOf(opened.repository.getBlob(image.config.descriptor.digest));
      expect(error).toMatchObject({ code: "ADDRESS_REFUSED", method: "GET" });
      expect(opened.targets()).toEqual([opened.server.host()]);
    },
  );

  it("a name of this machine is never asked for, but checked as ever", async () => {
    await using opened = await openBehindProxy();
    const answer = { status: 307, headers: { location: "https://localhost:1/x" } };
    opened.server.script([{ path: "/v2/*", answer }]);
    const error = await errorOf(opened.repository.getBlob(image.config.descriptor.digest));
    expect(error).toMatchObject({ code: "ADDRESS_REFUSED" });
  });
});

describe("which targets go through a proxy", () => {
  const secure = { url: "http://secure.proxy.example:1" };
  const plain = { url: "http://plain.proxy.example:2" };
  const through = (url: string, options: ProxyOptions): string => {
    const { protocol, hostname, port } = new URL(url);
    const target = { protocol, hostname: hostname.replace(/^\[|\]$/g, ""), port };
    return createProxyChoice(options)(target)?.url.host ?? "none";
  };

  it("depends on their scheme", () => {
    expect(through("https://a.example", { https: secure, http: plain })).toBe("secure.proxy.example:1");
    expect(through("http://a.example", { https: secure, http: plain })).toBe("plain.proxy.example:2");
    expect(through("http://a.example", { https: secure })).toBe("none");
    expect(through("https://a.example", {})).toBe("none");
  });

  it.each(["localhost", "a.localhost", "127.0.0.1", "127.1.2.3", "[::1]"])("%s never does", (host) => {
    expect(through(`https://${host}:5000`, { https: secure })).toBe("none");
  });

  it.each([
    ["registry.example", "registry.example", true],
    ["registry.example", "a.registry.example", true],
    ["registry.example", "notregistry.example", false],
    [".registry.example", "a.registry.example", true],
    ["*.registry.example", "a.registry.example", true],
    ["REGISTRY.example", "registry.example", true],
    ["registry.example:443", "registry.example", true],
    ["registry.example:5000", "registry.example", false],
    ["registry.example:5000", "registry.example:5000", true],
    ["10.0.0.0/8", "10.1.2.3", true],
    ["10.0.0.0/8", "11.1.2.3", false],
    ["10.0.0.0/8", "10.example", false],
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.11", false],
    ["2001:db8::/32", "[2001:db8::1]", true],
    ["[2001:db8::1]", "[2001:db8::1]", true],
    ["*", "anything.example", true],
  ])("with %s as an exception, %s is one: %s", (exception, host, expected) => {
    const way = through(`https://${host}`, { https: secure, except: [exception] });
    expect(way === "none").toBe(expected);
  });

  it.each(["", "10.0.0.0/33", "a:b", "10.0.0.0/x"])("an exception %j is refused", (exception) => {
    expect(() => createProxyChoice({ except: [exception] })).toThrow(OciError);
  });
});

describe("the proxies of the environment", () => {
  it("are what the variables say, the small ones first", () => {
    const environment = {
      HTTPS_PROXY: "http://capital.example:1",
      https_proxy: "http://small.example:1",
      HTTP_PROXY: "proxy.example:3128",
      NO_PROXY: "a.example, .b.example,,10.0.0.0/8",
    };
    expect(proxyFromEnvironment(environment)).toEqual({
      https: { url: "http://small.example:1" },
      http: { url: "http://proxy.example:3128" },
      except: ["a.example", ".b.example", "10.0.0.0/8"],
    });
    expect(proxyFromEnvironment({ NO_PROXY: "*", HTTPS_PROXY: "" })).toBeUndefined();
  });

  it("have their passwords apart, decoded and kept secret", () => {
    const options = proxyFromEnvironment({ HTTPS_PROXY: "http://me:p%40ss:w%rd@proxy.example:3128" });
    const { https } = options ?? {};
    expect(https).toMatchObject({ url: "http://proxy.example:3128", username: "me" });
    expect(inspect(options, { depth: 9 })).not.toContain("ss:w");
    expect(createProxyChoice({ https: { ...https, url: "http://p.example" } })).toBeTypeOf("function");
  });

  it("in a CGI program, HTTP_PROXY is a header of the request (CVE-2016-5385)", () => {
    const environment = { REQUEST_METHOD: "GET", HTTP_PROXY: "http://evil.example" };
    expect(proxyFromEnvironment(environment)).toBeUndefined();
    expect(proxyFromEnvironment({ ...environment, http_proxy: "http://p.example" })?.http).toEqual({
      url: "http://p.example",
    });
  });

  it.each([
    "socks5://p.example:1",
    "http://p.example/path",
    "http://p.example/?a",
    "http://p.example/#a",
    "http://",
    "http://a b",
  ])("%s is refused", (text) => {
    const proxy = proxyFromEnvironment({ HTTPS_PROXY: text });
    expect(() => createClient({ network: { proxy } })).toThrow(OciError);
  });

  it("are not in the error that refuses them", () => {
    const refused = errorOf(() =>
      createClient({ network: { proxy: { https: { url: "http://me:canary@p" } } } }),
    );
    return expect(refused.then((error) => inspect(error))).resolves.not.toContain("canary");
  });
});
