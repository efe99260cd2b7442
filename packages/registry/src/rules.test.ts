import { createManifestDocument, digestOf, mediaType, type ManifestDocument } from "@drayage/oci";
import { createBlob, createImage, createIndex, pushImage } from "@drayage/testkit";
import { describe, expect, test } from "vitest";
import { ask, serve } from "../fixture/serve.ts";
import { createMemoryDriver } from "./drivers/memory.ts";
import { createRegistry, type RegistryOptions } from "./registry.ts";
import type { RegistryRules } from "./storage/rules.ts";

const image = createImage({ layers: 2 });
const other = createImage({ seed: 1 });
const { digest } = image.document.descriptor;

async function open(rules?: RegistryRules, options: RegistryOptions = {}) {
  const driver = createMemoryDriver();
  const registry = createRegistry(driver, { ...options, rules });
  const repository = registry.repository("a");
  const server = await serve(registry);
  const put = (reference: string, { descriptor, bytes }: ManifestDocument) =>
    ask(server, "PUT", `/v2/a/manifests/${reference}`, {
      body: bytes,
      headers: { "content-type": descriptor.mediaType },
    });
  return { driver, repository, server, put };
}

describe("what a manifest needs", () => {
  test("cannot be deleted before it: a blob is 405 DENIED, and there still", async () => {
    const { repository, server } = await open();
    await pushImage(repository, image, { tags: ["v1"] });
    for (const { descriptor } of image.blobs) {
      const target = `/v2/a/blobs/${descriptor.digest}`;
      const refused = await ask(server, "DELETE", target);
      expect([refused.status, refused.codes, refused.headers.allow]).toEqual([405, ["DENIED"], "GET, HEAD"]);
      expect((await ask(server, "HEAD", target)).status).toBe(200);
    }
    await ask(server, "DELETE", `/v2/a/manifests/${digest}`);
    for (const { descriptor } of image.blobs) {
      expect((await ask(server, "DELETE", `/v2/a/blobs/${descriptor.digest}`)).status).toBe(202);
    }
  });

  test("cannot be deleted as long as one of two manifests needs it", async () => {
    const { repository } = await open();
    const { config } = image;
    const layers = [{ size: 1, seed: 9 }];
    const second = createManifestDocument({
      schemaVersion: 2,
      mediaType: mediaType.ociManifest,
      config: config.descriptor,
      layers: [],
    });
    await pushImage(repository, image);
    await pushImage(repository, createImage({ layers }));
    await repository.putManifest(second);
    await repository.deleteManifest(digest);
    await expect(repository.deleteBlob(config.descriptor.digest)).rejects.toMatchObject({ code: "DENIED" });
    await repository.deleteManifest(second.descriptor.digest);
    expect(await repository.deleteBlob(config.descriptor.digest)).toBe("deleted");
  });

  test("cannot be deleted before it: a manifest of an index is 405 DENIED, and its tags are there still", async () => {
    const { repository, server } = await open();
    const index = createIndex({ manifests: [image, other] });
    await pushImage(repository, index, { tags: ["v1"] });
    await repository.putManifest(image.document, { tags: ["amd64"] });
    const refused = await ask(server, "DELETE", `/v2/a/manifests/${digest}`);
    expect([refused.status, refused.codes]).toEqual([405, ["DENIED"]]);
    expect((await ask(server, "HEAD", "/v2/a/manifests/amd64")).status).toBe(200);
    await repository.deleteManifest(index.document.descriptor.digest);
    expect((await ask(server, "DELETE", `/v2/a/manifests/${digest}`)).status).toBe(202);
  });

  test("can be deleted where the rules say so", async () => {
    const { repository } = await open({ deletesReferenced: true });
    await pushImage(repository, image);
    expect(await repository.deleteBlob(image.config.descriptor.digest)).toBe("deleted");
  });

  test("of one repository is no matter of another", async () => {
    const { driver, repository } = await open();
    await pushImage(repository, image);
    const elsewhere = createRegistry(driver).repository("b");
    const { descriptor, open: opener } = image.config;
    await elsewhere.putBlob(descriptor, opener);
    expect(await elsewhere.deleteBlob(descriptor.digest)).toBe("deleted");
  });

  test("that is put while its blob is deleted keeps the blob, or is refused itself", async () => {
    const { driver, repository } = await open();
    for (const { descriptor, open: opener } of image.blobs) await repository.putBlob(descriptor, opener);
    // The look of the delete finds nothing, and the manifest arrives before the link goes.
    const documents = {
      ...driver.documents,
      async delete(...call: Parameters<typeof driver.documents.delete>) {
        if (call[0].includes("/_blobs/")) await repository.putManifest(image.document, { tags: ["v1"] });
        return driver.documents.delete(...call);
      },
    };
    const deleting = createRegistry({ ...driver, documents }).repository("a");
    await expect(deleting.deleteBlob(image.config.descriptor.digest)).rejects.toMatchObject({
      code: "DENIED",
    });
    expect(await repository.headBlob(image.config.descriptor.digest)).toBeDefined();
  });

  test("that was refused for a missing blob holds nothing back", async () => {
    const { repository } = await open();
    await repository.putBlob(image.config.descriptor, image.config.open);
    await expect(repository.putManifest(image.document)).rejects.toMatchObject({
      code: "MANIFEST_BLOB_UNKNOWN",
    });
    expect(await repository.deleteBlob(image.config.descriptor.digest)).toBe("deleted");
  });
});

describe("an immutable tag", () => {
  const rules = { isImmutable: (_repository: string, tag: string) => tag.startsWith("v") };

  test("is set once: the same manifest again is 201, another one 403 DENIED", async () => {
    const { repository, put } = await open(rules);
    await pushImage(repository, image);
    await pushImage(repository, other);
    expect((await put("v1", image.document)).status).toBe(201);
    expect((await put("v1", image.document)).status).toBe(201);
    const refused = await put("v1", other.document);
    expect([refused.status, refused.codes]).toEqual([403, ["DENIED"]]);
    expect(await repository.headManifest("v1")).toMatchObject({ digest });
    expect((await put("latest", image.document)).status).toBe(201);
    expect((await put("latest", other.document)).status).toBe(201);
  });

  test("among others that come along lets none of them be set", async () => {
    const { repository, put } = await open(rules);
    await pushImage(repository, image, { tags: ["v1"] });
    await pushImage(repository, other);
    const { descriptor } = other.document;
    const refused = await put(`${descriptor.digest}?tag=latest&tag=v1`, other.document);
    expect(refused.status).toBe(403);
    expect(await repository.headManifest("latest")).toBeUndefined();
  });

  test("cannot be deleted, nor the manifest that it points to", async () => {
    const { repository, server } = await open(rules);
    await pushImage(repository, image, { tags: ["v1", "latest"] });
    for (const reference of ["v1", digest]) {
      const refused = await ask(server, "DELETE", `/v2/a/manifests/${reference}`);
      expect([refused.status, refused.codes]).toEqual([405, ["DENIED"]]);
    }
    expect(await repository.headManifest("latest")).toMatchObject({ digest });
    expect((await ask(server, "DELETE", "/v2/a/manifests/latest")).status).toBe(202);
  });

  test("has one winner when two set it at the same time", async () => {
    const { repository, put } = await open(rules);
    await pushImage(repository, image);
    await pushImage(repository, other);
    const answers = await Promise.all([put("v1", image.document), put("v1", other.document)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 403]);
  });
});

describe("an index whose manifests are not all here", () => {
  const index = createIndex({ manifests: [image, other] }).document;

  test.each([
    ["strict", 0, 400],
    ["strict", 1, 400],
    ["platforms", 0, 400],
    ["platforms", 1, 201],
    ["sparse", 0, 201],
  ] as const)("is under the rule %s, with %i of two here, %i", async (references, here, status) => {
    const { repository, put } = await open({ references });
    for (const each of [image, other].slice(0, here)) await pushImage(repository, each);
    const answer = await put("v1", index);
    expect(answer.status).toBe(status);
  });

  test("is refused with each of the manifests that are missing", async () => {
    const { repository, put } = await open();
    await pushImage(repository, image);
    const { json } = await put("v1", index);
    expect(json).toMatchObject({ errors: [{ detail: other.document.descriptor.digest }] });
  });

  test("does not let an image lack its blobs, whatever the rule", async () => {
    const { put } = await open({ references: "sparse" });
    expect((await put("v1", image.document)).codes).toContain("MANIFEST_BLOB_UNKNOWN");
  });
});

describe("a switch", () => {
  const changes = [
    ["POST", "/v2/a/blobs/uploads/"],
    ["POST", `/v2/a/blobs/uploads/?mount=${digest}&from=b`],
    ["POST", `/v2/a/blobs/uploads/?digest=${digest}`],
    ["PUT", "/v2/a/manifests/v1"],
  ] as const;
  const deletes = [
    ["DELETE", "/v2/a/manifests/v1"],
    ["DELETE", `/v2/a/manifests/${digest}`],
    ["DELETE", `/v2/a/blobs/${image.config.descriptor.digest}`],
  ] as const;

  test("that makes the registry read-only refuses every change with 405 UNSUPPORTED, at once and until it is off", async () => {
    const rules = { readOnly: false };
    const { repository, server, put } = await open(rules);
    await pushImage(repository, image, { tags: ["v1"] });
    rules.readOnly = true;
    for (const [method, target] of [...changes, ...deletes]) {
      const { bytes, descriptor } = image.document;
      const headers = { "content-type": descriptor.mediaType };
      const asked = method === "PUT" ? { body: bytes, headers } : {};
      const refused = await ask(server, method, target, asked);
      expect([target, refused.status, refused.codes]).toEqual([target, 405, ["UNSUPPORTED"]]);
    }
    expect((await ask(server, "GET", "/v2/a/manifests/v1")).status).toBe(200);
    rules.readOnly = false;
    expect((await put("v2", image.document)).status).toBe(201);
  });

  test("that forbids deletes does so for tags, manifests and blobs alike (CVE-2026-41888)", async () => {
    const { repository, server } = await open({ deletes: false });
    await pushImage(repository, image, { tags: ["v1"] });
    for (const [method, target] of deletes) {
      const refused = await ask(server, method, target);
      expect([target, refused.status, refused.codes]).toEqual([target, 405, ["UNSUPPORTED"]]);
    }
    expect((await ask(server, "GET", "/v2/a/manifests/v1")).status).toBe(200);
  });
});

test("an artifact that nobody can name and layers that are elsewhere are taken with a Warning", async () => {
  const { repository, put } = await open();
  const config = createBlob(Buffer.from("{}"), { mediaType: mediaType.ociEmpty });
  await repository.putBlob(config.descriptor, config.open);
  const foreign = {
    mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    digest: digestOf(Buffer.from("elsewhere")),
    size: 9,
  };
  const document = createManifestDocument({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    config: config.descriptor,
    layers: [foreign],
  });
  const { status, headers } = await put("v1", document);
  expect(status).toBe(201);
  const warnings = String(headers["warning"]);
  expect(warnings).toMatch(/299 - "Layers that may not .*", ?299 - "The manifest has an empty config/);
});

test("an image that is as it should be is taken without a Warning", async () => {
  const { repository, put } = await open();
  await pushImage(repository, image);
  expect((await put("v1", image.document)).headers["warning"]).toBeUndefined();
});
