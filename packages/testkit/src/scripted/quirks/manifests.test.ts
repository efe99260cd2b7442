import type { Quirks } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { blob, image, manifests, openQuirky, uploads } from "../../../fixture/quirky.ts";
import { createArtifact } from "../../fixture/artifact.ts";
import { bytesOfBlob } from "../../fixture/blob.ts";

const { digest } = image.document.descriptor;
const { digest: blobDigest } = blob.descriptor;

describe("manifests", () => {
  it("headManifest: HEAD of what is not there is a 403, and GET a 404", async () => {
    const { send } = await openQuirky({ headManifest: false });
    expect(await send(`${manifests}v2`, { method: "HEAD" })).toMatchObject({ status: 403 });
    expect(await send(`${manifests}v2`)).toMatchObject({ status: 404 });
    expect(await send(`${manifests}v1`, { method: "HEAD" })).toMatchObject({ status: 200 });
  });

  it("digestHeader: a manifest comes without its digest", async () => {
    const { send } = await openQuirky({ digestHeader: false });
    for (const method of [undefined, "HEAD"] as const) {
      const { headers } = await send(`${manifests}v1`, method === undefined ? {} : { method });
      expect(headers).not.toHaveProperty("docker-content-digest");
    }
  });

  it("untypedManifest: a manifest without a mediaType is refused", async () => {
    const { send } = await openQuirky({ untypedManifest: false });
    const body = JSON.stringify({ schemaVersion: 2, config: image.config.descriptor, layers: [] });
    const headers = { "content-type": image.document.descriptor.mediaType };
    expect(await send(`${manifests}v2`, { method: "PUT", body, headers })).toMatchObject({ status: 405 });
  });

  it("unknownCode: what is not there has a code of its own", async () => {
    const { send } = await openQuirky({ unknownCode: "NOT_FOUND" });
    const { status, text } = await send(`${manifests}v2`);
    expect(status).toBe(404);
    expect(JSON.parse(text)).toMatchObject({ errors: [{ code: "NOT_FOUND" }] });
  });

  it("compression: who accepts gzip gets it", async () => {
    const { send } = await openQuirky({ compression: true });
    const headers = { "accept-encoding": "gzip" };
    expect((await send(`${manifests}v1`, { headers })).headers).toMatchObject({ "content-encoding": "gzip" });
    expect((await send(`${manifests}v1`)).headers).not.toHaveProperty("content-encoding");
  });

  it("digestAsTag: a tag that looks like a digest is one", async () => {
    const path = manifests + digest.replace(":", "-");
    expect(await (await openQuirky({ digestAsTag: true })).send(path)).toMatchObject({ status: 200 });
    expect(await (await openQuirky({})).send(path)).toMatchObject({ status: 404 });
  });

  it.each([404, 406] as const)("referrers %i: they are neither listed nor noted", async (referrers) => {
    const { send } = await openQuirky({ referrers });
    expect(await send(`/v2/team/app/referrers/${digest}`)).toMatchObject({ status: referrers });
    const artifact = createArtifact({ artifactType: "example/sbom", subject: image.document.descriptor });
    const { bytes, descriptor } = artifact.document;
    for (const each of artifact.blobs) {
      const path = `${uploads}?digest=${each.descriptor.digest}`;
      await send(path, { method: "POST", body: await bytesOfBlob(each) });
    }
    const headers = { "content-type": descriptor.mediaType };
    const put = await send(`${manifests}sbom`, { method: "PUT", body: bytes, headers });
    expect(put.status).toBe(201);
    expect(put.headers).not.toHaveProperty("oci-subject");
  });

  it("referrersOfUnknown 400: those of what is not there are not listed", async () => {
    const { send } = await openQuirky({ referrersOfUnknown: 400 });
    expect(await send(`/v2/team/app/referrers/${blobDigest}`)).toMatchObject({ status: 400 });
    expect(await send(`/v2/team/app/referrers/${digest}`)).toMatchObject({ status: 200 });
  });
});

describe("deleting", () => {
  const statusOf = async (quirks: Partial<Quirks>, path: string) =>
    (await (await openQuirky(quirks)).send(path, { method: "DELETE" })).status;

  it("deleteTag, deleteManifest and deleteBlob: a status instead", async () => {
    expect(await statusOf({ deleteTag: 400 }, `${manifests}v1`)).toBe(400);
    expect(await statusOf({ deleteTag: 400 }, `${manifests}${digest}`)).toBe(202);
    expect(await statusOf({ deleteManifest: 405 }, `${manifests}${digest}`)).toBe(405);
    expect(await statusOf({ deleteManifest: 405 }, `${manifests}v1`)).toBe(202);
    expect(await statusOf({ deleteBlob: 404 }, `/v2/team/app/blobs/${blobDigest}`)).toBe(404);
  });

  it("deleteManifest untagged: only behind its tags", async () => {
    const { send } = await openQuirky({ deleteManifest: "untagged" });
    const remove = (at: string) => send(manifests + at, { method: "DELETE" });
    expect(await remove(digest)).toMatchObject({ status: 403 });
    expect(await remove("v1")).toMatchObject({ status: 202 });
    expect(await remove(digest)).toMatchObject({ status: 202 });
  });
});
