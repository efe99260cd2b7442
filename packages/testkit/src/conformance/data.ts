import {
  createManifestDocument,
  mediaType,
  type Descriptor,
  type DigestAlgorithm,
  type ManifestDocument,
} from "@drayage/oci";
import { createWireBlob, type WireBlob } from "./push.ts";

/** Content as the distribution-spec allows it, to be pushed, pulled, listed and deleted as a whole. */
export interface DataSet {
  readonly title: string;
  readonly blobs: readonly WireBlob[];
  /** Each before those that need it. */
  readonly manifests: readonly ManifestDocument[];
  /** Under which tag each manifest is put as well. */
  readonly tags?: Readonly<Record<string, ManifestDocument>> | undefined;
  /** Tags that come along with the manifest when it is put by its digest. */
  readonly tagParameters?: readonly string[] | undefined;
  readonly referrers?: readonly ExpectedReferrers[] | undefined;
}

/** What a list of referrers has to say. */
export interface ExpectedReferrers {
  readonly subject: Descriptor;
  readonly entries: readonly Descriptor[];
}

type Json = Readonly<Record<string, unknown>>;

/** Makes blobs and manifests of one data set. */
interface Maker {
  readonly blobs: WireBlob[];
  readonly manifests: ManifestDocument[];
  blob(content: string | number, type?: string): Descriptor;
  image(fields?: Json): ManifestDocument;
  index(manifests: readonly ManifestDocument[], fields?: Json): ManifestDocument;
  artifact(fields: Json): ManifestDocument;
}

function createMaker(seed: number, algorithm: DigestAlgorithm = "sha256"): Maker {
  const blobs: WireBlob[] = [];
  const manifests: ManifestDocument[] = [];
  let number = seed * 1000;
  const blob = (content: string | number, type: string = mediaType.ociLayerGzip): Descriptor => {
    const bytes = typeof content === "string" ? Buffer.from(content) : { size: content, seed: number++ };
    const made = createWireBlob(bytes, algorithm);
    if (!blobs.some(({ digest }) => digest === made.digest)) blobs.push(made);
    return { mediaType: type, digest: made.digest, size: made.bytes.byteLength };
  };
  const keep = (value: Json & { readonly mediaType: string }): ManifestDocument => {
    const document = createManifestDocument(value, { algorithm });
    manifests.push(document);
    return document;
  };
  const config = (): Descriptor =>
    blob(
      JSON.stringify({ architecture: "amd64", os: "linux", number: number++, rootfs: { type: "layers" } }),
      mediaType.ociConfig,
    );
  const empty = (): Descriptor => blob("{}", mediaType.ociEmpty);
  return {
    blobs,
    manifests,
    blob,
    image: (fields = {}) =>
      keep({
        schemaVersion: 2,
        mediaType: mediaType.ociManifest,
        config: config(),
        layers: [blob(1000), blob(500)],
        ...fields,
      }),
    index: (children, fields = {}) =>
      keep({
        schemaVersion: 2,
        mediaType: mediaType.ociIndex,
        manifests: children.map(({ descriptor }) => descriptor),
        ...fields,
      }),
    artifact: (fields) =>
      keep({
        schemaVersion: 2,
        mediaType: mediaType.ociManifest,
        config: empty(),
        layers: [blob(200)],
        ...fields,
      }),
  };
}

/** Every set, with content that no other seed has. */
export function dataSets(seed: number): readonly DataSet[] {
  const set = (
    title: string,
    make: (maker: Maker) => Omit<DataSet, "title" | "blobs" | "manifests">,
    algorithm?: DigestAlgorithm,
  ): DataSet => {
    const maker = createMaker(seed, algorithm);
    return { title, ...make(maker), blobs: maker.blobs, manifests: maker.manifests };
  };
  return [
    set("an image", (make) => ({ tags: { image: make.image() } })),
    set("an image whose layer is not compressed", (make) => ({
      tags: { image: make.image({ layers: [make.blob(1500, mediaType.ociLayer)] }) },
    })),
    set("a manifest of almost 4 MB", (make) => ({
      tags: { large: make.image({ annotations: largeAnnotations() }) },
    })),
    set("an index", (make) => ({ tags: { index: make.index([make.image(), make.image()]) } })),
    set("an index in an index", (make) => ({
      tags: { nested: make.index([make.index([make.image(), make.image()]), make.image()]) },
    })),
    set("an empty index", (make) => ({ tags: { empty: make.index([]) } })),
    set("an artifact", (make) => ({ tags: { artifact: make.artifact({ artifactType: types.one }) } })),
    set("an index that is an artifact", (make) => ({
      tags: {
        artifacts: make.index(
          [make.artifact({ artifactType: types.one }), make.artifact({ artifactType: types.two })],
          { artifactType: types.one },
        ),
      },
    })),
    set("an artifact without content of its own", (make) => ({
      tags: { artifact: make.artifact({ artifactType: types.one, layers: [emptyOf(make)] }) },
    })),
    set("an image without layers", (make) => ({ tags: { bare: make.image({ layers: [] }) } })),
    set("an image with an empty layer", (make) => ({
      tags: { image: make.image({ layers: [make.blob("")] }) },
    })),
    set("artifacts with a subject", artifactsWithSubject),
    set("an index with a subject", indexWithSubject),
    set("a subject that is not there", missingSubject),
    set("embedded data", embeddedData),
    set("layers that may not be distributed", nondistributable),
    set("fields that nobody knows", (make) => ({
      tags: {
        custom: make.index([make.image({ "org.example.custom": { nested: ["fields"] } })], {
          "org.example.custom": "field",
        }),
      },
    })),
    set(
      "an image and its index under sha512",
      (make) => ({ tags: { index: make.index([make.image()]) } }),
      "sha512",
    ),
    set("tags that come along", (make) => tagParameters(make)),
    set("tags that come along with sha512", (make) => tagParameters(make), "sha512"),
  ];
}

const types = { one: "application/vnd.example.one", two: "application/vnd.example.two" };

function largeAnnotations(): Json {
  return Object.fromEntries(
    Array.from({ length: 390 }, (_, index) => [`org.example.large.${index}`, "x".repeat(10_000)]),
  );
}

function emptyOf(make: Maker): Descriptor {
  return make.blob("{}", mediaType.ociEmpty);
}

function artifactsWithSubject(make: Maker): Omit<DataSet, "title" | "blobs" | "manifests"> {
  const subject = make.image().descriptor;
  const annotations = { "org.example.note": "referrer" };
  const one = make.artifact({ artifactType: types.one, annotations, subject });
  const two = make.artifact({ artifactType: types.two, subject });
  // An image tells its type by its config.
  const image = make.image({ config: make.blob('{"of":"config"}', types.one), subject });
  const entries = [
    { ...one.descriptor, artifactType: types.one, annotations },
    { ...two.descriptor, artifactType: types.two },
    { ...image.descriptor, artifactType: types.one },
  ];
  return { tags: { signature: one }, referrers: [{ subject, entries }] };
}

function indexWithSubject(make: Maker): Omit<DataSet, "title" | "blobs" | "manifests"> {
  const subject = make.image().descriptor;
  const child = make.artifact({ artifactType: types.one, subject });
  const annotations = { "org.example.note": "index" };
  const typed = make.index([child], { artifactType: types.two, annotations, subject });
  const plain = make.index([], { subject });
  const entries = [
    { ...child.descriptor, artifactType: types.one },
    { ...typed.descriptor, artifactType: types.two, annotations },
    plain.descriptor,
  ];
  return { tags: { index: typed }, referrers: [{ subject, entries }] };
}

function missingSubject(make: Maker): Omit<DataSet, "title" | "blobs" | "manifests"> {
  const { digest } = createWireBlob(Buffer.from(`nowhere ${JSON.stringify(make.blob(10))}`));
  const subject = { mediaType: mediaType.ociManifest, digest, size: 123 };
  const artifact = make.artifact({ artifactType: types.one, subject });
  const entries = [{ ...artifact.descriptor, artifactType: types.one }];
  return { tags: { orphan: artifact }, referrers: [{ subject, entries }] };
}

function embeddedData(make: Maker): Omit<DataSet, "title" | "blobs" | "manifests"> {
  const text = '{"embedded":true}';
  const config = { ...make.blob(text, mediaType.ociConfig), data: Buffer.from(text).toString("base64") };
  return { tags: { data: make.artifact({ config, artifactType: types.one }) } };
}

/** Layers that are elsewhere, so that nobody has to have pushed them. */
function nondistributable(make: Maker): Omit<DataSet, "title" | "blobs" | "manifests"> {
  const foreign = (type: string, text: string): Json => ({
    mediaType: type,
    digest: createWireBlob(Buffer.from(text)).digest,
    size: text.length,
    urls: ["https://example.com/foreign"],
  });
  const layers = [
    foreign("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "oci"),
    foreign("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "docker"),
  ];
  return { tags: { foreign: make.image({ layers }) } };
}

function tagParameters(make: Maker): Omit<DataSet, "title" | "blobs" | "manifests"> {
  make.image();
  return { tagParameters: Array.from({ length: 10 }, (_, index) => `along-${index}`) };
}
