import type { Quirks } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { blob, image, openQuirky, uploads } from "../../../fixture/quirky.ts";

const { digest: blobDigest } = blob.descriptor;

describe("blobs", () => {
  it("existence get: HEAD of a blob is refused", async () => {
    const { send } = await openQuirky({ existence: "get" });
    expect(await send(`/v2/team/app/blobs/${blobDigest}`, { method: "HEAD" })).toMatchObject({ status: 401 });
    expect(await send(`/v2/team/app/blobs/${blobDigest}`)).toMatchObject({ status: 200 });
  });

  it("blobRange: a range gets all of the blob", async () => {
    const path = `/v2/team/app/blobs/${blobDigest}`;
    const headers = { range: "bytes=0-0" };
    expect(await (await openQuirky({ blobRange: false })).send(path, { headers })).toMatchObject({
      status: 200,
    });
    expect(await (await openQuirky({})).send(path, { headers })).toMatchObject({ status: 206 });
  });

  it("blobRedirect: blobs come from the object store", async () => {
    const { send, registry } = await openQuirky({ blobRedirect: 307 });
    const { status, headers } = await send(`/v2/team/app/blobs/${blobDigest}`);
    expect(status).toBe(307);
    const location = String(headers["location"]);
    expect(location).toContain(`http://${registry.host("storage.test")}/storage/`);
    expect(await send(location)).toMatchObject({ status: 200, headers: { "content-length": "100" } });
  });

  it("location url: Location names the registry", async () => {
    const { begin, registry } = await openQuirky({ location: "url" });
    expect(await begin()).toContain(`http://${registry.host()}/v2/`);
    expect(await (await openQuirky({})).begin()).toMatch(/^\/v2\//);
  });
});

describe("mounts", () => {
  const mount = (query: string) => [`${uploads}?mount=${blobDigest}${query}`, { method: "POST" }] as const;
  const statusOf = async (quirks: Partial<Quirks>, query: string) =>
    (await (await openQuirky(quirks)).send(...mount(query))).status;

  it("mount any, referenced and none: what a named repository gives", async () => {
    expect(await statusOf({ mount: "any" }, "&from=team/app")).toBe(201);
    expect(await statusOf({ mount: "referenced" }, "&from=team/app")).toBe(202);
    expect(await statusOf({ mount: "none" }, "&from=team/app")).toBe(202);
  });

  it.each([
    ["referenced", 201],
    ["none", 202],
  ] as const)("mount %s: what a manifest names gets a %i", async (mount, status) => {
    const { send } = await openQuirky({ mount });
    const path = `/v2/team/other/blobs/uploads/?mount=${image.config.descriptor.digest}&from=team/app`;
    expect(await send(path, { method: "POST" })).toMatchObject({ status });
  });

  it("mountWithoutFrom: a session, the blob or a refusal", async () => {
    expect(await statusOf({}, "")).toBe(202);
    expect(await statusOf({ mountWithoutFrom: "found" }, "")).toBe(201);
    expect(await statusOf({ mountWithoutFrom: "refused" }, "")).toBe(400);
  });

  it("mountFromUnknown: a session or a refusal", async () => {
    expect(await statusOf({}, "&from=not/there")).toBe(202);
    expect(await statusOf({ mountFromUnknown: 401 }, "&from=not/there")).toBe(401);
  });
});
