import { digestOf, mediaType, parseLink, parseTagPage, type Registry } from "@drayage/oci";
import { createArtifact, createImage, pushImage } from "@drayage/testkit";
import { describe, expect, test } from "vitest";
import { ask, registries, serve, type Answered } from "../../fixture/serve.ts";

const image = createImage({ layers: 1 });
const { descriptor } = image.document;

async function open(create: () => Registry, options = {}) {
  const registry = create();
  const server = await serve(registry, options);
  const get = (target: string) => ask(server, "GET", target);
  return { registry, server, get };
}

function nextOf({ headers }: Answered): string | undefined {
  return parseLink(headers["link"]).links.find(({ rel }) => rel.includes("next"))?.uri;
}

/** All pages of a list, until none is linked. */
async function pagesOf(
  get: (target: string) => Promise<Answered>,
  first: string,
): Promise<readonly unknown[]> {
  const pages: unknown[] = [];
  for (let target: string | undefined = first; target !== undefined; ) {
    const answer = await get(target);
    expect(answer.status).toBe(200);
    pages.push(answer.json);
    target = nextOf(answer);
  }
  return pages;
}

describe.each(registries)("lists of %s", (_name, create) => {
  const tags = ["B", "a", "a-b", "a.b", "a0", "b"];
  const openTagged = async (options = {}) => {
    const opened = await open(create, options);
    await pushImage(opened.registry.repository("a/b"), image, { tags: tags.toReversed() });
    return opened;
  };
  const list = "/v2/a/b/tags/list";

  test("tags are listed in byte order with the name of their repository", async () => {
    const { get } = await openTagged();
    const { status, headers, json } = await get(list);
    expect([status, json]).toEqual([200, { name: "a/b", tags }]);
    expect(headers["content-type"]).toBe("application/json");
    expect(headers["link"]).toBeUndefined();
  });

  test("a repository without tags has an empty list, one that is unknown is NAME_UNKNOWN", async () => {
    const { registry, get } = await open(create);
    await pushImage(registry.repository("a/b"), image);
    expect((await get(list)).json).toEqual({ name: "a/b", tags: [] });
    for (const target of ["/v2/a/c/tags/list", "/v2/a/c/tags/list?n=0"]) {
      const { status, codes } = await get(target);
      expect([status, codes]).toEqual([404, ["NAME_UNKNOWN"]]);
    }
  });

  test("n is how many tags a page has, and Link leads to the next until all are seen", async () => {
    const { get } = await openTagged();
    const first = await get(`${list}?n=4`);
    expect(first.headers["link"]).toBe(`<${list}?n=4&last=a.b>; rel="next"`);
    expect(await pagesOf(get, `${list}?n=4`)).toEqual([
      { name: "a/b", tags: tags.slice(0, 4) },
      { name: "a/b", tags: tags.slice(4) },
    ]);
    expect(await pagesOf(get, `${list}?n=6`)).toHaveLength(1);
    expect(await pagesOf(get, `${list}?n=1`)).toHaveLength(6);
  });

  test("n=0 is an empty page without a Link", async () => {
    const { get } = await openTagged();
    const { json, headers } = await get(`${list}?n=0`);
    expect([json, headers["link"]]).toEqual([{ name: "a/b", tags: [] }, undefined]);
  });

  test("last is exclusive and need not exist, with n and without", async () => {
    const { get } = await openTagged();
    expect((await get(`${list}?last=a-b`)).json).toEqual({ name: "a/b", tags: tags.slice(3) });
    expect((await get(`${list}?last=a-`)).json).toEqual({ name: "a/b", tags: tags.slice(2) });
    expect((await get(`${list}?last=zzz`)).json).toEqual({ name: "a/b", tags: [] });
    expect((await get(`${list}?n=1&last=a-b`)).json).toEqual({ name: "a/b", tags: ["a.b"] });
  });

  test.each(["-1", "1.5", "x", "", "1e3"])("n=%s is 400", async (n) => {
    const { get } = await openTagged();
    const { status, codes } = await get(`${list}?n=${n}`);
    expect([status, codes]).toEqual([400, ["UNSUPPORTED"]]);
  });

  test.each(["10001", "999999999999", "99999999999999999999"])(
    "n=%s is clamped (S10, CVE-2023-2253)",
    async (n) => {
      const { get } = await openTagged({ limits: { listEntries: 4 } });
      const answer = await get(`${list}?n=${n}`);
      expect(answer.json).toEqual({ name: "a/b", tags: tags.slice(0, 4) });
      expect(nextOf(answer)).toBe(`${list}?n=4&last=a.b`);
    },
  );

  test("a list without n that is longer than the limit goes on behind a Link", async () => {
    const { get } = await openTagged({ limits: { listEntries: 4 } });
    expect(await pagesOf(get, list)).toHaveLength(2);
  });

  test("HEAD of a list has the headers of GET", async () => {
    const { server, get } = await openTagged();
    const { status, headers, body } = await ask(server, "HEAD", `${list}?n=2`);
    const { headers: expected } = await get(`${list}?n=2`);
    expect([status, headers["content-length"], headers["link"], body.byteLength]).toEqual([
      200,
      expected["content-length"],
      expected["link"],
      0,
    ]);
  });

  test("the catalog lists repositories in byte order of their whole names, in pages", async () => {
    const { registry, get } = await open(create);
    const names = ["a", "a-b", "a.b", "a/b", "a/b/c", "a0", "b"];
    for (const name of names.toReversed()) await pushImage(registry.repository(name), image);
    expect((await get("/v2/_catalog")).json).toEqual({ repositories: names });
    expect(await pagesOf(get, "/v2/_catalog?n=3")).toEqual([
      { repositories: names.slice(0, 3) },
      { repositories: names.slice(3, 6) },
      { repositories: names.slice(6) },
    ]);
    expect((await get("/v2/_catalog?last=a/b")).json).toEqual({ repositories: names.slice(4) });
    expect((await get("/v2/_catalog?n=0")).json).toEqual({ repositories: [] });
    expect((await get("/v2/_catalog?n=x")).status).toBe(400);
  });

  test("an empty registry has an empty catalog", async () => {
    const { get } = await open(create);
    expect((await get("/v2/_catalog")).json).toEqual({ repositories: [] });
  });

  test("a repository that lost its last content is listed no longer", async () => {
    const { registry, get } = await open(create);
    const repository = registry.repository("a/b");
    await pushImage(repository, image, { tags: ["v1"] });
    await repository.deleteManifest(descriptor.digest);
    expect((await get("/v2/_catalog")).json).toEqual({ repositories: ["a/b"] });
    for (const blob of image.blobs) await repository.deleteBlob(blob.descriptor.digest);
    expect((await get("/v2/_catalog")).json).toEqual({ repositories: [] });
    expect((await get(list)).status).toBe(404);
  });
});

describe.each(registries)("referrers of %s", (_name, create) => {
  const referrers = `/v2/a/b/referrers/${descriptor.digest}`;
  const artifacts = Array.from({ length: 5 }, (_, index) =>
    createArtifact({
      artifactType: typeOf(index),
      subject: descriptor,
      annotations: { index: String(index) },
    }),
  );
  const described = artifacts
    .map(
      (
        {
          document: {
            descriptor: { mediaType: type, digest, size },
          },
        },
        index,
      ) => ({
        mediaType: type,
        digest,
        size,
        artifactType: typeOf(index),
        annotations: { index: String(index) },
      }),
    )
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const digests = described.map(({ digest }) => digest);
  const openReferred = async (options = {}) => {
    const opened = await open(create, options);
    for (const artifact of artifacts) await pushImage(opened.registry.repository("a/b"), artifact);
    return opened;
  };

  test.each([referrers, `/v2/nobody/referrers/${descriptor.digest}`])(
    "%s without any is an empty index, never 404",
    async (target) => {
      const { get } = await open(create);
      const { status, headers, json } = await get(target);
      expect([status, headers["content-type"]]).toEqual([200, mediaType.ociIndex]);
      expect(json).toEqual({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [] });
    },
  );

  test("what is no digest is 400", async () => {
    const { get } = await open(create);
    const { status, codes } = await get("/v2/a/b/referrers/sha256:bad");
    expect([status, codes]).toEqual([400, ["DIGEST_INVALID"]]);
  });

  test("each is described with its artifact type and annotations, though its subject is not here", async () => {
    const { get } = await openReferred();
    const { json, headers } = await get(referrers);
    expect(json).toEqual({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: described });
    expect(headers["oci-filters-applied"]).toBeUndefined();
  });

  test.each([
    ["artifactType=application/vnd.one%2Bjson", 2],
    ["artifactType=application/vnd.one+json", 2],
    ["artifactType=application/vnd.one%2Bjson&artifactType=application/vnd.two", 5],
    ["artifactType=application/vnd.none", 0],
  ])("?%s keeps %i of them and says that it was applied", async (query, count) => {
    const { get } = await openReferred();
    const { json, headers } = await get(`${referrers}?${query}`);
    expect(json).toMatchObject({ manifests: { length: count } });
    expect(headers["oci-filters-applied"]).toBe("artifactType");
  });

  test("a long list is cut by bytes, and Link leads on with the filter kept (S18)", async () => {
    const { get } = await openReferred({ limits: { referrerBytes: 1 } });
    const pages = await pagesOf(get, referrers);
    expect(pages).toMatchObject(digests.map((digest) => ({ manifests: [{ digest }] })));
    const filtered = await pagesOf(get, `${referrers}?artifactType=application/vnd.two`);
    expect(filtered).toHaveLength(3);
  });

  test("a page is as large as its limit allows", async () => {
    const { get } = await openReferred({ limits: { referrerBytes: 800 } });
    const pages = await pagesOf(get, referrers);
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.length).toBeLessThan(5);
  });

  test("a referrer that is deleted is listed no longer; one whose subject is deleted still is", async () => {
    const { registry, get } = await openReferred();
    const repository = registry.repository("a/b");
    await pushImage(repository, image);
    await repository.deleteManifest(descriptor.digest);
    expect((await get(referrers)).json).toMatchObject({ manifests: { length: 5 } });
    const [gone = descriptor.digest] = digests;
    await repository.deleteManifest(gone);
    expect((await get(referrers)).json).toMatchObject({
      manifests: digests.slice(1).map((digest) => ({ digest })),
    });
  });

  test("an absent subject of another algorithm is answered too", async () => {
    const { get } = await open(create);
    expect((await get(`/v2/a/b/referrers/${digestOf(Buffer.from("x"), "sha512")}`)).status).toBe(200);
  });
});

function typeOf(index: number): string {
  return index < 2 ? "application/vnd.one+json" : "application/vnd.two";
}

describe.each(registries)("tags with their manifests, of %s", (_name, create) => {
  test("tell of each manifest its type, its tags and when it was pushed, as Artifact Registry does", async () => {
    const registry = create();
    const one = createImage();
    const two = createImage({ seed: 1 });
    const before = Date.now();
    await pushImage(registry.repository("a"), one, { tags: ["v1", "latest"] });
    await pushImage(registry.repository("a"), two, { tags: ["v2"] });
    const server = await serve(registry);
    const { status, body } = await ask(server, "GET", "/v2/a/tags/list?manifests=true");
    expect(status).toBe(200);
    const { tags, manifests = [] } = parseTagPage(body);
    expect(tags).toEqual(["latest", "v1", "v2"]);
    expect(manifests).toMatchObject([
      { digest: one.document.descriptor.digest, tags: ["latest", "v1"], mediaType: mediaType.ociManifest },
      { digest: two.document.descriptor.digest, tags: ["v2"] },
    ]);
    for (const { uploaded = 0 } of manifests) expect(uploaded).toBeGreaterThanOrEqual(before);
  });

  test("come in pages, and Link asks for them again", async () => {
    const registry = create();
    const { digest } = await pushImage(registry.repository("a"), createImage(), { tags: ["a", "b", "c"] });
    const server = await serve(registry);
    const first = await ask(server, "GET", "/v2/a/tags/list?n=2&manifests=true");
    expect(parseTagPage(first.body).manifests).toMatchObject([{ digest, tags: ["a", "b"] }]);
    expect(first.headers["link"]).toBe('</v2/a/tags/list?n=2&last=b&manifests=true>; rel="next"');
    const rest = await ask(server, "GET", "/v2/a/tags/list?n=2&last=b&manifests=true");
    expect(parseTagPage(rest.body).manifests).toMatchObject([{ digest, tags: ["c"] }]);
    expect(rest.headers["link"]).toBeUndefined();
  });

  test("are not listed unless they are asked for", async () => {
    const registry = create();
    await pushImage(registry.repository("a"), createImage(), { tags: ["v1"] });
    const { json } = await ask(await serve(registry), "GET", "/v2/a/tags/list");
    expect(json).toEqual({ name: "a", tags: ["v1"] });
  });
});
