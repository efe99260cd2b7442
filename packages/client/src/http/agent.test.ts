import { fromStatic, OciError } from "@drayage/oci";
import { createImage, testCertificate } from "@drayage/testkit";
import { Agent, type Dispatcher } from "undici";
import { describe, expect, it } from "vitest";
import { errorOf, openScripted, type Opened } from "../../fixture/scripted.ts";
import { createClient } from "../client.ts";
import type { ClientOptions } from "../options.ts";

const image = createImage({ layers: 1 });

describe("a dispatcher of the user's own", () => {
  /** A client that has one, which counts what it sends. */
  async function openOwn(
    options: ClientOptions = {},
  ): Promise<Opened & { readonly sent: readonly string[] }> {
    const sent: string[] = [];
    const counting: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (request, handler) => {
      sent.push(`${request.method} ${request.path}`);
      return dispatch(request, handler);
    };
    const opened = await openScripted({ auth: { basic: { me: "canary" } } }, (server) => ({
      network: undefined,
      dispatcher: new Agent({ connect: { lookup: server.lookup } }).compose(counting),
      credentials: fromStatic(server.host(), { username: "me", password: "canary" }),
      ...options,
    }));
    await opened.server.content.add("library/app", image, { tags: ["v1"] });
    return { ...opened, sent };
  }

  it("sends everything, small and large", async () => {
    await using opened = await openOwn();
    await opened.repository.getManifest("v1");
    const { body } = await opened.repository.getBlob(image.config.descriptor.digest);
    for await (const chunk of body) expect(chunk.byteLength).toBeGreaterThan(0);
    await opened.repository.openUpload();
    expect(opened.sent).toEqual(opened.requests());
    expect(opened.sent).toHaveLength(4);
  });

  it("does not change who gets a secret", async () => {
    await using opened = await openOwn();
    const location = `${opened.server.url("auth.test")}/x`;
    opened.server.script([{ path: "/v2/*/blobs/*", answer: { status: 307, headers: { location } } }]);
    await opened.repository.headManifest("v1");
    await errorOf(opened.repository.getBlob(image.config.descriptor.digest));
    const { origin, headers } = opened.server.ledger.at(-1) ?? {};
    expect(origin).toBe("auth.test");
    expect(headers?.["authorization"]).toBeUndefined();
  });

  it("is held to the times for answers and bodies", async () => {
    await using opened = await openOwn({ retry: { attempts: 1 }, timeouts: { idle: 50, headers: 50 } });
    await opened.repository.headManifest("v1");
    opened.server.script([{ path: "/v2/*/manifests/v1", stallAfter: 1 }]);
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ code: "TIMEOUT" });
  });

  it("outlives the client, which sends nothing any more", async () => {
    await using server = await openScripted();
    const dispatcher = new Agent({ connect: { lookup: server.server.lookup } });
    const client = createClient({ hosts: { [server.server.host()]: { plainHttp: true } }, dispatcher });
    const repository = client.registry(server.server.host()).repository("a");
    await repository.headManifest("v1");
    await client.close();
    expect(await errorOf(repository.headManifest("v1"))).toMatchObject({ code: "CONNECTION_FAILED" });
    const { statusCode } = await dispatcher.request({
      origin: server.server.url(),
      path: "/v2/",
      method: "GET",
    });
    expect(statusCode).toBe(200);
    await dispatcher.close();
  });

  it.each<[string, ClientOptions]>([
    ["network", { network: {} }],
    ["a host's authority", { hosts: { "registry.example": { ca: testCertificate.cert } } }],
    ["a host's certificate", { hosts: { "registry.example": testCertificate } }],
    ["an insecure host", { hosts: { "registry.example": { insecure: true } } }],
  ])("is refused together with %s, to which nobody would hold it", (_what, options) => {
    expect(() => createClient({ ...options, dispatcher: new Agent() })).toThrow(OciError);
  });

  it("is taken together with what has nothing to do with connections", async () => {
    const dispatcher = new Agent();
    const hosts = { "registry.example": { plainHttp: true, headers: { "x-a": "b" } } };
    await using client = createClient({ hosts, dispatcher });
    expect(client.registry("registry.example").name).toBe("registry.example");
  });
});

it("a closed client says so", async () => {
  await using opened = await openScripted();
  await opened.client.close();
  const error = await errorOf(opened.repository.headManifest("v1"));
  expect(error).toMatchObject({ code: "CONNECTION_FAILED", retryable: false, attempt: 1 });
});

it("what is under way fails when the client closes", async () => {
  await using opened = await openScripted();
  opened.server.script([{ path: "*", delay: 80 }]);
  const result = errorOf(opened.repository.headManifest("v1"));
  await expect.poll(() => process.getActiveResourcesInfo().includes("TCPSocketWrap")).toBe(true);
  await opened.client.close();
  expect(await result).toMatchObject({ code: "CONNECTION_FAILED" });
});
