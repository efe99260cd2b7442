import { digestOf, type Digest } from "@drayage/oci";
import { createImage, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { errorOf, openScripted, type Opened } from "../fixture/scripted.ts";

const image = createImage();
const { descriptor, bytes } = image.document;
const { digest, mediaType } = descriptor;
const manifests = "/v2/library/app/manifests/";
const tagPath = `${manifests}v1`;

async function openWith(...rules: readonly ScriptRule[]): Promise<Opened> {
  const opened = await openScripted({ script: rules });
  await opened.server.content.add("library/app", image, { tags: ["v1"] });
  return opened;
}

const answered = ({ server }: Opened): readonly string[] =>
  server.ledger.map(({ method, status }) => `${method} ${status}`);

describe("getManifest", () => {
  it("C15 does not take another manifest than it asked for", async () => {
    const other = createImage({ layers: 2 }).document.bytes;
    const headers = { "content-type": mediaType, "docker-content-digest": digest };
    await using opened = await openWith({ path: "*", answer: { status: 200, headers, body: other } });
    expect(await errorOf(opened.repository.getManifest(digest))).toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  it("computes the digest where the registry does not tell it", async () => {
    await using opened = await openWith({ path: tagPath, headers: { "docker-content-digest": undefined } });
    const document = await opened.repository.getManifest("v1");
    expect(document.descriptor).toEqual(descriptor);
    expect(digestOf(document.bytes)).toBe(digest);
  });

  it("asks for every known media type, or for those that are wanted", async () => {
    await using opened = await openWith();
    await opened.repository.getManifest("v1");
    await opened.repository.getManifest("v1", { accept: [mediaType, "text/x-other"] });
    const [all, some] = opened.server.ledger.map(({ headers }) => headers["accept"]);
    expect(all).toContain("application/vnd.oci.image.index.v1+json");
    expect(some).toBe(`${mediaType}, text/x-other`);
  });

  it("follows a redirect unless it is told not to", async () => {
    const headers = { location: `/v2/library/app/manifests/${digest}` };
    await using opened = await openWith({ path: tagPath, answer: { status: 302, headers } });
    expect(await opened.repository.getManifest("v1")).toMatchObject({ descriptor });
    expect(await errorOf(opened.repository.getManifest("v1", { followRedirects: false }))).toMatchObject({
      code: "RESPONSE_INVALID",
      status: 302,
    });
    expect(answered(opened)).toEqual(["GET 302", "GET 200", "GET 302"]);
  });

  it("throws what the registry reported, in its own words too", async () => {
    const errors = [
      { code: "QUOTA_GONE", message: "come back later", detail: { left: 0 } },
      { code: "DENIED", message: "no" },
    ];
    const answer = { status: 403, body: JSON.stringify({ errors }) };
    await using opened = await openWith({ path: tagPath, answer });
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({
      code: "DENIED",
      registryErrors: errors,
    });
  });

  it("goes by the document where the registry sends any type, as static hosts do", async () => {
    await using opened = await openWith({ path: tagPath, headers: { "content-type": "text/plain" } });
    expect(await opened.repository.getManifest("v1")).toMatchObject({ descriptor: { mediaType } });
  });

  it("C20 refuses a manifest that came as an index", async () => {
    const headers = { "content-type": "application/vnd.oci.image.index.v1+json" };
    await using opened = await openWith({ path: tagPath, headers });
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ code: "MANIFEST_INVALID" });
  });

  it("C11 reads 4 MiB and no more", async () => {
    const body = new Uint8Array(4 * 1024 * 1024 + 1);
    await using opened = await openWith({ path: tagPath, answer: { status: 200, body } });
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  it("C13 refuses an encoded body", async () => {
    await using opened = await openWith({ path: tagPath, headers: { "content-encoding": "gzip" } });
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ code: "RESPONSE_INVALID" });
  });

  it("is NOT_MODIFIED even if the registry does not look at the condition", async () => {
    const headers = { "content-type": mediaType };
    await using opened = await openWith({
      path: tagPath,
      nth: 2,
      answer: { status: 200, headers, body: bytes },
    });
    for (const _time of [1, 2]) {
      const error = await errorOf(opened.repository.getManifest("v1", { ifNoneMatch: digest }));
      expect(error).toMatchObject({ code: "NOT_MODIFIED" });
    }
    expect(answered(opened)).toEqual(["GET 304", "GET 200"]);
  });
});

describe("headManifest", () => {
  it("is one HEAD", async () => {
    await using opened = await openWith();
    expect(await opened.repository.headManifest("v1")).toEqual(descriptor);
    expect(answered(opened)).toEqual(["HEAD 200"]);
  });

  it("reads and hashes where the registry does not tell the digest", async () => {
    await using opened = await openWith({
      method: "HEAD",
      path: "*",
      headers: { "docker-content-digest": undefined },
    });
    expect(await opened.repository.headManifest("v1")).toEqual(descriptor);
    expect(answered(opened)).toEqual(["HEAD 200", "GET 200"]);
  });

  it.each([403, 405])("asks by GET where HEAD is answered %d", async (status) => {
    await using opened = await openWith({ method: "HEAD", path: "*", answer: { status } });
    expect(await opened.repository.headManifest("v1")).toEqual(descriptor);
    expect(await opened.repository.headManifest("v2")).toBeUndefined();
  });

  it("C15 does not take another digest than it asked for", async () => {
    const headers = { "docker-content-digest": digestOf(new Uint8Array()) };
    await using opened = await openWith({ method: "HEAD", path: "*", headers });
    expect(await errorOf(opened.repository.headManifest(digest))).toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  it("asks by GET at once where the quirks say so", async () => {
    await using opened = await openScripted({}, (server) => ({
      hosts: { [server.host()]: { plainHttp: true, quirks: { headManifest: false } } },
    }));
    expect(await opened.repository.headManifest("v1")).toBeUndefined();
    expect(answered(opened)).toEqual(["GET 404"]);
  });
});

describe("putManifest", () => {
  it("is one request by digest, or by the tag", async () => {
    await using opened = await openWith();
    await opened.repository.putManifest(image.document);
    await opened.repository.putManifest(image.document, { tags: ["v2"] });
    expect(opened.requests()).toEqual([`PUT ${manifests}${digest}`, `PUT ${manifests}v2`]);
  });

  it("under several tags is one request for ten of them, where the registry takes them as parameters", async () => {
    await using opened = await openScripted({ features: { tagParameter: true } });
    await opened.server.content.add("library/app", image);
    const tags = Array.from({ length: 12 }, (_each, index) => `v${index}`);
    await opened.repository.putManifest(image.document, { tags });
    const [first, ...others] = opened.requests();
    expect(first).toBe(
      `PUT ${manifests}${digest}?${tags
        .slice(0, 10)
        .map((tag) => `tag=${tag}`)
        .join("&")}`,
    );
    expect(others).toEqual([`PUT ${manifests}${digest}?tag=v10&tag=v11`]);
    expect([...opened.server.content.repository("library/app").tags.keys()]).toEqual(tags);
  });

  it("under several tags is one request for each where the registry does not, once that is known", async () => {
    await using opened = await openWith();
    await opened.repository.putManifest(image.document, { tags: ["v2", "v3"] });
    await opened.repository.putManifest(image.document, { tags: ["v4", "v5"] });
    expect(opened.requests()).toEqual([
      `PUT ${manifests}${digest}?tag=v2&tag=v3`,
      ...["v2", "v3", "v4", "v5"].map((tag) => `PUT ${manifests}${tag}`),
    ]);
  });

  it("under a tag that the registry leaves out is put again under that tag", async () => {
    await using opened = await openWith({ method: "PUT", path: "*", nth: 1, headers: { "oci-tag": "v2" } });
    await opened.repository.putManifest(image.document, { tags: ["v2", "v3"] });
    expect(opened.requests().slice(1)).toEqual([`PUT ${manifests}v3`]);
  });

  it("under a condition takes no chances with parameters", async () => {
    await using opened = await openWith();
    await opened.repository.putManifest(image.document, { tags: ["v2", "v3"], ifNoneMatch: "*" });
    expect(opened.requests().filter((line) => line.includes("?"))).toEqual([]);
  });

  it("is repeated once if its digest is said to be wrong, as docker-registry 2.8 does while others push it", async () => {
    const answer = { status: 400, body: '{"errors":[{"code":"DIGEST_INVALID"}]}' };
    await using opened = await openWith({ method: "PUT", path: "*", nth: [1, 3, 4], answer });
    await opened.repository.putManifest(image.document, { tags: ["v2"] });
    expect(answered(opened)).toEqual(["PUT 400", "PUT 201"]);
    const error = await errorOf(opened.repository.putManifest(image.document, { tags: ["v2"] }));
    expect(error).toMatchObject({ code: "DIGEST_INVALID" });
    expect(answered(opened)).toHaveLength(4);
  });

  it("sends nothing that is not what its descriptor says", async () => {
    await using opened = await openWith();
    const wrong = { bytes, descriptor: { ...descriptor, digest: digestOf(new Uint8Array()) } };
    expect(await errorOf(opened.repository.putManifest(wrong))).toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(opened.requests()).toEqual([]);
  });

  it("is a DIGEST_MISMATCH if the registry has stored something else", async () => {
    const headers = { "docker-content-digest": digestOf(new Uint8Array()) };
    await using opened = await openWith({ method: "PUT", path: "*", headers });
    const error = await errorOf(opened.repository.putManifest(image.document, { tags: ["v1"] }));
    expect(error).toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  it("by sha512 with a tag says if the registry did not set the tag", async () => {
    const long = createImage({ layers: 1 }).document;
    const sha512 = { ...long, descriptor: { ...long.descriptor, digest: digestOf(long.bytes, "sha512") } };
    await using opened = await openWith({ method: "PUT", path: "*", answer: { status: 201 } });
    const error = await errorOf(opened.repository.putManifest(sha512, { tags: ["v1"] }));
    expect(error).toMatchObject({ code: "UNSUPPORTED" });
  });
});

it("by a tag in place of a digest, nothing is deleted, and nothing is listed", async () => {
  await using opened = await openWith({ path: "/v2/*/referrers/*", answer: { status: 404 } });
  for await (const _referrer of opened.repository.listReferrers(digest)) break;
  opened.server.clearLedger();
  // From JavaScript, nothing keeps a tag out.
  const byTag = JSON.parse(`"v1"`) as Digest;
  expect(await errorOf(opened.repository.deleteManifest(byTag))).toMatchObject({ code: "DIGEST_INVALID" });
  const listed = opened.repository.listReferrers(byTag)[Symbol.asyncIterator]().next();
  expect(await errorOf(listed)).toMatchObject({ code: "DIGEST_INVALID" });
  expect(opened.requests()).toEqual([]);
});
