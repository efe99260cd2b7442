import { mediaType, type Descriptor } from "@drayage/oci";
import { expect } from "vitest";
import { createArtifact } from "../fixture/artifact.ts";
import { createBlob } from "../fixture/blob.ts";
import { createIndex } from "../fixture/image-index.ts";
import { createImage, json } from "../fixture/image.ts";
import { pushImage } from "../fixture/push.ts";
import type { RepositoryCase } from "./case.ts";
import { listOf } from "./expect.ts";

const [sbom, signature] = ["application/vnd.example.sbom+json", "application/vnd.example.signature"];

export const referrerCases: readonly RepositoryCase[] = [
  {
    title: "listReferrers gives the manifests whose subject is the digest, and no others",
    run: async ({ origin, repository }) => {
      const [subject, other] = [createImage(), createImage({ seed: 1 })];
      for (const image of [subject, other]) await pushImage(origin, image);
      // One after the other: they share a blob, and docker-registry 2.8 mixes up what comes in at the same time.
      const referrers = [
        await pushImage(origin, referrerOf(subject.document.descriptor, sbom)),
        await pushImage(origin, referrerOf(subject.document.descriptor, signature)),
      ];
      await pushImage(origin, referrerOf(other.document.descriptor, sbom));
      const found = await listOf(repository.listReferrers(subject.document.descriptor.digest));
      expect(digestsOf(found)).toEqual(digestsOf(referrers));
    },
  },
  {
    title: "listReferrers with an artifactType gives those of that type only",
    run: async ({ origin, repository }) => {
      const subject = createImage();
      await pushImage(origin, subject);
      await pushImage(origin, referrerOf(subject.document.descriptor, sbom));
      const signed = await pushImage(origin, referrerOf(subject.document.descriptor, signature));
      const { digest } = subject.document.descriptor;
      const found = await listOf(repository.listReferrers(digest, { artifactType: signature }));
      expect(digestsOf(found)).toEqual([signed.digest]);
      expect(await listOf(repository.listReferrers(digest, { artifactType: "example/other" }))).toEqual([]);
    },
  },
  {
    title: "a referrer is described with its media type, size, artifactType and annotations",
    run: async ({ origin, repository }) => {
      const subject = createImage();
      await pushImage(origin, subject);
      const annotations = { "org.example.created": "2020-01-01", "org.example.text": 'ä / "' };
      const artifact = createArtifact({
        artifactType: sbom,
        subject: subject.document.descriptor,
        annotations,
      });
      await pushImage(origin, artifact);
      const [found] = await listOf(repository.listReferrers(subject.document.descriptor.digest));
      expect(found).toMatchObject({ ...artifact.document.descriptor, artifactType: sbom });
      expect({ ...found?.annotations }).toEqual(annotations);
    },
  },
  {
    title: "a referrer without an artifactType has that of its configuration",
    run: async ({ origin, repository }) => {
      const subject = createImage();
      await pushImage(origin, subject);
      const image = createImage({ seed: 1, subject: subject.document.descriptor });
      await pushImage(origin, image);
      const { digest } = subject.document.descriptor;
      const [found] = await listOf(repository.listReferrers(digest, { artifactType: mediaType.ociConfig }));
      expect(found).toMatchObject({ ...image.document.descriptor, artifactType: mediaType.ociConfig });
    },
  },
  {
    title: "an index can be a referrer",
    run: async ({ origin, repository }) => {
      const subject = createImage();
      await pushImage(origin, subject);
      const index = createIndex({
        manifests: [createImage({ seed: 1 })],
        subject: subject.document.descriptor,
        artifactType: sbom,
        annotations: { a: "b" },
      });
      await pushImage(origin, index);
      const [found] = await listOf(repository.listReferrers(subject.document.descriptor.digest));
      expect(found).toMatchObject({
        ...index.document.descriptor,
        artifactType: sbom,
        annotations: { a: "b" },
      });
    },
  },
  {
    title: "listReferrers finds what was pushed before its subject",
    run: async ({ origin, repository }) => {
      const subject = createImage();
      const { digest } = await pushImage(origin, referrerOf(subject.document.descriptor, sbom));
      const list = () => listOf(repository.listReferrers(subject.document.descriptor.digest));
      expect(digestsOf(await list())).toEqual([digest]);
      await pushImage(origin, subject);
      expect(digestsOf(await list())).toEqual([digest]);
    },
  },
  {
    title: "a referrer that is pushed again is listed once",
    run: async ({ origin, repository }) => {
      const subject = createImage();
      const artifact = referrerOf(subject.document.descriptor, sbom);
      const { digest } = await pushImage(origin, artifact);
      await pushImage(origin, artifact, { tags: ["sbom"] });
      const found = await listOf(repository.listReferrers(subject.document.descriptor.digest));
      expect(digestsOf(found)).toEqual([digest]);
    },
  },
  {
    title: "a referrer can be a subject itself",
    run: async ({ origin, repository }) => {
      const subject = createImage();
      const attached = referrerOf(subject.document.descriptor, sbom);
      await pushImage(origin, attached);
      const signed = await pushImage(origin, referrerOf(attached.document.descriptor, signature));
      const found = await listOf(repository.listReferrers(attached.document.descriptor.digest));
      expect(digestsOf(found)).toEqual([signed.digest]);
    },
  },
  {
    title: "listReferrers of a manifest that nothing refers to is empty",
    run: async ({ origin, repository }) => {
      const { digest } = await pushImage(origin, createImage(), { tags: ["v1"] });
      expect(await listOf(repository.listReferrers(digest))).toEqual([]);
    },
  },
  {
    title: "listReferrers in a repository without content is empty",
    run: async ({ repository }) => {
      const { digest } = createImage().document.descriptor;
      expect(await listOf(repository.listReferrers(digest))).toEqual([]);
      expect(await listOf(repository.listReferrers(digest, { artifactType: sbom }))).toEqual([]);
    },
  },
  {
    title: "listReferrers gives nothing from another repository",
    run: async ({ origin, sibling }) => {
      const subject = createImage();
      await pushImage(origin, subject);
      await pushImage(origin, referrerOf(subject.document.descriptor, sbom));
      const other = sibling("other");
      await pushImage(other.origin, subject);
      expect(await listOf(other.repository.listReferrers(subject.document.descriptor.digest))).toEqual([]);
    },
  },
  {
    title: "a referrer that is deleted is listed no more",
    needs: ["delete"],
    run: async ({ repository }) => {
      const subject = createImage().document.descriptor;
      const gone = await pushImage(repository, referrerOf(subject, sbom));
      const kept = await pushImage(repository, referrerOf(subject, signature));
      await repository.deleteManifest(gone.digest);
      expect(digestsOf(await listOf(repository.listReferrers(subject.digest)))).toEqual([kept.digest]);
    },
  },
  {
    title: "listReferrers has room for more than one page of large annotations",
    run: async ({ origin, repository }) => {
      const subject = createImage().document.descriptor;
      const annotations = { large: "x".repeat(100_000) };
      const pushed: Descriptor[] = [];
      for (let number = 0; number < 12; number++) {
        const blob = createBlob(json({ number }), { mediaType: "application/json" });
        const artifact = createArtifact({ artifactType: sbom, subject, annotations, blobs: [blob] });
        pushed.push(await pushImage(origin, artifact));
      }
      expect(digestsOf(await listOf(repository.listReferrers(subject.digest)))).toEqual(digestsOf(pushed));
    },
  },
];

function referrerOf(subject: Descriptor, artifactType: string) {
  return createArtifact({ artifactType, subject });
}

function digestsOf(descriptors: readonly Descriptor[]): readonly string[] {
  return descriptors.map(({ digest }) => digest).toSorted();
}
