import { bytesOf, readAll, type OciErrorCode } from "@drayage/oci";
import { createImage } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { errorOf, openScripted, type Opened } from "../../fixture/scripted.ts";
import { hostOf } from "../host.ts";
import { settingsOf } from "../options.ts";
import type { Send } from "./message.ts";
import { redirect } from "./redirect.ts";

const image = createImage({ layers: 1 });
const layer = image.layers[0]?.descriptor ?? image.document.descriptor;
const path = `/v2/library/app/blobs/${layer.digest}`;
const origins = ["registry.test", "auth.test", "evil.test"];

/** A registry whose blob answers redirect to `location`, for a client that sends a password and a header of its own. */
async function openRedirecting(location: (opened: Opened) => string): Promise<Opened> {
  const opened = await openScripted({ origins, auth: "none" }, (server) => ({
    hosts: { [server.host()]: { plainHttp: true, headers: { "x-key": "canary" } } },
  }));
  await opened.server.content.add("library/app", image);
  opened.server.script([{ path, answer: { status: 307, headers: { location: location(opened) } } }]);
  return opened;
}

async function read({ repository }: Opened): Promise<number> {
  const { body } = await repository.getBlob(layer.digest);
  return (await readAll(body, { limit: layer.size })).byteLength;
}

const storage = `/storage/library/app/${layer.digest}`;

describe("C2 redirects", () => {
  it("to another host go without what is private", async () => {
    await using opened = await openRedirecting(
      ({ server }) => `http://${server.host("evil.test")}${storage}`,
    );
    expect(await read(opened)).toBe(layer.size);
    expect(opened.server.ledger.map(({ origin, headers }) => [origin, headers["x-key"]])).toEqual([
      ["registry.test", "canary"],
      ["evil.test", undefined],
    ]);
  });

  it("to another port of the same host go without what is private (GHSA-vh4v-2xq2-g5cg)", async () => {
    await using other = await openScripted({ origins: ["registry.test"] });
    await other.server.content.add("library/app", image);
    await using opened = await openRedirecting(() => `http://${other.server.host()}${storage}`);
    expect(await read(opened)).toBe(layer.size);
    expect(other.server.ledger.map(({ headers }) => headers["x-key"])).toEqual([undefined]);
  });

  it("on the same origin keep it, relative ones too", async () => {
    await using opened = await openRedirecting(() => storage);
    expect(await read(opened)).toBe(layer.size);
    expect(opened.server.ledger.map(({ headers }) => headers["x-key"])).toEqual(["canary", "canary"]);
  });

  it("back to where they came from do not bring it back", async () => {
    await using opened = await openRedirecting(({ server }) => `http://${server.host("evil.test")}/hop`);
    const { server } = opened;
    server.script([
      { path, answer: { status: 307, headers: { location: `http://${server.host("evil.test")}/hop` } } },
      { path: "/hop", answer: { status: 302, headers: { location: `http://${server.host()}${storage}` } } },
    ]);
    expect(await read(opened)).toBe(layer.size);
    expect(server.ledger.map(({ headers }) => headers["x-key"])).toEqual(["canary", undefined, undefined]);
  });

  it.each<[string, string, OciErrorCode]>([
    ["in a circle", path, "LIMIT_EXCEEDED"],
    ["with userinfo", "http://a:b@evil.test/", "URL_REFUSED"],
    ["to another scheme", "file:///etc/passwd", "URL_REFUSED"],
    ["to an address of this machine", "http://127.0.0.1:1/", "ADDRESS_REFUSED"],
    ["to where clouds keep credentials", "http://169.254.169.254/latest", "ADDRESS_REFUSED"],
  ])("%s are refused", async (_what, location, code) => {
    await using opened = await openRedirecting(() => location);
    expect(await errorOf(read(opened))).toMatchObject({ code });
    expect(opened.server.ledger.length).toBeLessThanOrEqual(6);
  });

  it("without a Location are refused", async () => {
    await using opened = await openRedirecting(() => storage);
    opened.server.script([{ path, answer: { status: 307 } }]);
    const url = `${opened.server.url()}${path}`;
    expect(await errorOf(read(opened))).toMatchObject({
      code: "RESPONSE_INVALID",
      method: "GET",
      url,
      status: 307,
    });
  });

  it.each([301, 302, 303, 307, 308])("with %i are followed, for HEAD as for GET", async (status) => {
    await using opened = await openScripted({ origins });
    await opened.server.content.add("library/app", image);
    const location = `${opened.server.url("evil.test")}${path}`;
    opened.server.script([{ origin: "registry.test", path, answer: { status, headers: { location } } }]);
    expect(await read(opened)).toBe(layer.size);
    expect(await opened.repository.headBlob(layer.digest)).toMatchObject({ size: layer.size });
    expect(opened.server.ledger.map(({ method }) => method)).toEqual(["GET", "GET", "HEAD", "HEAD"]);
  });

  it("five in a row are followed, and no sixth", async () => {
    await using opened = await openScripted({ origins });
    await opened.server.content.add("library/app", image);
    const lead = (places: readonly string[]) =>
      places.slice(1).map((location, index) => ({
        path: places[index] ?? "",
        answer: { status: 307, headers: { location } },
      }));
    opened.server.script(lead([path, "/1", "/2", "/3", "/4", storage]));
    expect(await read(opened)).toBe(layer.size);
    opened.server.script(lead([path, "/1", "/2", "/3", "/4", "/5", storage]));
    expect(await errorOf(read(opened))).toMatchObject({ code: "LIMIT_EXCEEDED", status: 307, method: "GET" });
  });

  it("are no requests of their own: an answer belongs to what was asked, wherever it came from", async () => {
    const host = hostOf("registry.example", settingsOf({}));
    const next: Send = async (request) => {
      const isMoved = request.url.pathname === "/moved";
      const headers = { location: "https://cdn.example/here" };
      return { status: isMoved ? 307 : 200, headers, body: bytesOf(), url: request.url, request };
    };
    for (const [asked, answered] of [
      ["https://registry.example/moved", "https://cdn.example/here"],
      ["https://registry.example/here", "https://registry.example/here"],
    ] as const) {
      const request = { host, url: new URL(asked), method: "GET", lane: "api", subject: "blob" } as const;
      const response = await redirect()(next)(request);
      expect(response.request).toBe(request);
      expect(response.url.href).toBe(answered);
    }
  });

  it("of what writes are not followed", async () => {
    await using opened = await openScripted({ origins });
    const location = `http://${opened.server.host("evil.test")}/v2/`;
    opened.server.script([{ method: "POST", path: "*", answer: { status: 307, headers: { location } } }]);
    expect(await errorOf(opened.repository.openUpload())).toMatchObject({ status: 307 });
    expect(opened.requests()).toHaveLength(1);
  });
});
