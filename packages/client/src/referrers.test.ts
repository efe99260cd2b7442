import type { Descriptor } from "@drayage/oci";
import { createArtifact, createImage, pushImage, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { createClient } from "./client.ts";
import { errorOf, openScripted, type Opened } from "../fixture/scripted.ts";

const image = createImage({ layers: 1 });
const subject = image.document.descriptor;
const signature = createArtifact({ artifactType: "application/vnd.example.signature", subject });
const bom = createArtifact({ artifactType: "application/vnd.example.bom", subject });
const tag = subject.digest.replace(":", "-");

/** A registry that knows nothing of referrers. */
async function openOld(
  referrers: ScriptRule["answer"] = { status: 404, body: "404 page not found" },
): Promise<Opened> {
  const opened = await openScripted();
  opened.server.script([
    { path: "/v2/library/app/referrers/*", answer: referrers },
    { method: "PUT", path: "/v2/library/app/manifests/*", headers: { "oci-subject": undefined } },
  ]);
  await pushImage(opened.repository, image, { tags: ["v1"] });
  return opened;
}

async function listed({ repository }: Opened, artifactType?: string): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  for await (const referrer of repository.listReferrers(subject.digest, { artifactType }))
    found.push(referrer);
  return found;
}

describe("a registry without the referrers API", () => {
  it("has an index under the subject's tag, kept by whoever pushes and deletes", async () => {
    await using opened = await openOld();
    for (const artifact of [signature, bom, signature]) await pushImage(opened.repository, artifact);
    expect((await listed(opened)).map(({ digest }) => digest)).toEqual([
      signature.document.descriptor.digest,
      bom.document.descriptor.digest,
    ]);
    expect(opened.server.content.repository("library/app").tags.has(tag)).toBe(true);
    await opened.repository.deleteManifest(signature.document.descriptor.digest);
    expect((await listed(opened)).map(({ artifactType }) => artifactType)).toEqual([
      "application/vnd.example.bom",
    ]);
  });

  it("loses none of several that are pushed at the same time", async () => {
    await using opened = await openOld();
    await Promise.all([signature, bom].map((artifact) => pushImage(opened.repository, artifact)));
    expect(await listed(opened)).toHaveLength(2);
    expect(await listed(opened, "application/vnd.example.bom")).toHaveLength(1);
  });

  it("loses none of several that are pushed by different clients", async () => {
    await using opened = await openOld();
    const { server } = opened;
    const clients = Array.from({ length: 3 }, () =>
      createClient({
        hosts: { [server.host()]: { plainHttp: true } },
        network: { lookup: server.lookup },
        retry: { attempts: 20, minDelay: 1, maxDelay: 100 },
      }),
    );
    const artifacts = ["a", "b", "c"].map((type) =>
      createArtifact({ artifactType: `application/vnd.example.${type}`, subject }),
    );
    await Promise.all(
      clients.map(async (client, index) => {
        const repository = client.registry(server.host()).repository("library/app");
        for (const artifact of artifacts.slice(index, index + 1)) await pushImage(repository, artifact);
        await client.close();
      }),
    );
    expect(await listed(opened)).toHaveLength(3);
  });

  it("has its index written again if another client writes over it", async () => {
    await using opened = await openOld();
    await pushImage(opened.repository, bom);
    const { tags } = opened.server.content.repository("library/app");
    const before = tags.get(tag) ?? "";
    const path = `/v2/library/app/manifests/${tag}`;
    const undone: ScriptRule["change"] = (answer) => {
      tags.set(tag, before);
      return { status: answer.status };
    };
    opened.server.clearLedger();
    opened.server.script([
      { method: "PUT", path, nth: 1, change: undone },
      { method: "PUT", path: "/v2/library/app/manifests/*", headers: { "oci-subject": undefined } },
    ]);
    await pushImage(opened.repository, signature);
    expect(await listed(opened)).toHaveLength(2);
    expect(opened.requests().filter((line) => line === `PUT ${path}`)).toHaveLength(2);
  });

  it("has an entry taken out again if another client brings it back", async () => {
    await using opened = await openOld();
    for (const artifact of [signature, bom]) await pushImage(opened.repository, artifact);
    const { tags } = opened.server.content.repository("library/app");
    const before = tags.get(tag) ?? "";
    opened.server.script([
      { path: "/v2/library/app/referrers/*", answer: { status: 404 } },
      {
        method: "PUT",
        path: `/v2/library/app/manifests/${tag}`,
        nth: 1,
        change(answer) {
          tags.set(tag, before);
          return answer;
        },
      },
    ]);
    await opened.repository.deleteManifest(bom.document.descriptor.digest);
    expect((await listed(opened)).map(({ digest }) => digest)).toEqual([
      signature.document.descriptor.digest,
    ]);
  });

  it("whose index others write over again and again is UNAVAILABLE in the end", async () => {
    await using opened = await openOld();
    const { tags } = opened.server.content.repository("library/app");
    opened.server.script([
      { path: "/v2/library/app/referrers/*", answer: { status: 404 } },
      {
        method: "PUT",
        path: "/v2/library/app/manifests/*",
        headers: { "oci-subject": undefined },
        change(answer) {
          tags.delete(tag);
          return answer;
        },
      },
    ]);
    expect(await errorOf(pushImage(opened.repository, signature))).toMatchObject({ code: "UNAVAILABLE" });
    expect(opened.requests().filter((line) => line === `PUT /v2/library/app/manifests/${tag}`)).toHaveLength(
      5,
    );
  });

  it("that holds conditions against the digest is told what the index replaces", async () => {
    await using opened = await openOld();
    for (const artifact of [signature, bom]) await pushImage(opened.repository, artifact);
    const puts = opened.server.ledger.filter(({ method, url }) => method === "PUT" && url.endsWith(tag));
    expect(puts[0]?.headers).toMatchObject({ "if-none-match": "*" });
    expect(puts[1]?.headers).toMatchObject({ "if-match": expect.stringMatching(/^"sha256:/) as unknown });
  });

  it("that holds conditions against something else gets the index without", async () => {
    await using opened = await openOld();
    opened.server.script([
      { method: "PUT", path: `/v2/library/app/manifests/${tag}`, nth: 1, answer: { status: 412 } },
      { method: "PUT", path: "/v2/library/app/manifests/*", headers: { "oci-subject": undefined } },
      { path: "/v2/library/app/referrers/*", answer: { status: 404 } },
    ]);
    await pushImage(opened.repository, signature);
    expect(await listed(opened)).toHaveLength(1);
  });

  it("is asked for its API once", async () => {
    await using opened = await openOld();
    await listed(opened);
    await listed(opened);
    expect(opened.requests().filter((line) => line.includes("/referrers/"))).toHaveLength(1);
  });

  it.each([
    { status: 405 },
    { status: 406 },
    { status: 200, headers: { "content-type": "text/html" }, body: "<html>" },
    { status: 400, body: '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}' },
  ])("answers %j", async (answer) => {
    await using opened = await openOld(answer);
    await pushImage(opened.repository, signature);
    expect(await listed(opened)).toHaveLength(1);
  });

  it("may answer with a page of any length", async () => {
    await using opened = await openOld({ status: 404, body: "<html>".padEnd(100_000) });
    await pushImage(opened.repository, signature);
    expect(await listed(opened)).toHaveLength(1);
  });

  it("is not taken for one whose refusal broke off", async () => {
    await using opened = await openScripted();
    for (const artifact of [image, signature]) await pushImage(opened.repository, artifact);
    const refusal = { answer: { status: 404, body: "404 page not found" }, cutAfter: 4 };
    opened.server.script([{ path: "/v2/library/app/referrers/*", nth: 1, ...refusal }]);
    expect(await errorOf(listed(opened))).toMatchObject({ code: "CONNECTION_FAILED" });
    expect(await listed(opened)).toHaveLength(1);
  });

  it("may resolve the tag to the subject itself, which lists nothing (oras-project/oras-go#1396)", async () => {
    await using opened = await openOld();
    opened.server.content.repository("library/app").tags.set(tag, subject.digest);
    expect(await listed(opened)).toEqual([]);
  });
});

describe("a registry with the referrers API", () => {
  it("is one request, filtered by us where the registry does not", async () => {
    await using opened = await openScripted();
    for (const artifact of [image, signature, bom]) await pushImage(opened.repository, artifact);
    opened.server.clearLedger();
    expect(await listed(opened, "application/vnd.example.bom")).toHaveLength(1);
    expect(opened.requests()).toHaveLength(1);
  });

  it("is not helped with an index when it has noted the subject", async () => {
    await using opened = await openScripted();
    await pushImage(opened.repository, image);
    await pushImage(opened.repository, signature);
    expect([...opened.server.content.repository("library/app").tags.keys()]).toEqual([]);
  });

  it.each([401, 403, 429])("that answers %d is an error, not an empty list", async (status) => {
    await using opened = await openScripted({ script: [{ path: "/v2/*/referrers/*", answer: { status } }] });
    expect(await errorOf(listed(opened))).toMatchObject({ status });
  });
});
