import type { ListedManifest, TagPage } from "@drayage/oci";

/** Tags, with what Artifact Registry tells besides. */
export interface TagList {
  name: string;
  tags: string[];
  /** Repositories below this one. */
  child?: string[];
  /** Manifests by digest. */
  manifest?: Record<string, TagListManifest>;
}

export interface TagListManifest {
  imageSizeBytes: string;
  mediaType: string;
  tag: string[];
  timeCreatedMs: string;
  timeUploadedMs: string;
}

/** One page of tags. */
export function tagListOf({ name, tags, children, manifests }: TagPage, repository: string): TagList {
  return {
    name: name ?? repository,
    tags: [...tags],
    ...(children === undefined ? {} : { child: [...children] }),
    ...(manifests === undefined ? {} : { manifest: Object.fromEntries(manifests.map(entryOf)) }),
  };
}

/** All pages as one; what is told besides comes from every page, too. */
export async function merged(pages: AsyncIterable<TagList>, repository: string): Promise<TagList> {
  const whole: TagList = { name: repository, tags: [] };
  for await (const { name, tags, child, manifest } of pages) {
    whole.name = name;
    whole.tags.push(...tags);
    if (child !== undefined) whole.child = [...(whole.child ?? []), ...child];
    if (manifest !== undefined) whole.manifest = { ...whole.manifest, ...manifest };
  }
  return whole;
}

function entryOf(manifest: ListedManifest): readonly [string, TagListManifest] {
  const { digest, tags, mediaType = "", imageSize = 0, created = 0, uploaded = 0 } = manifest;
  return [
    digest,
    {
      imageSizeBytes: String(imageSize),
      mediaType,
      tag: [...tags],
      timeCreatedMs: String(created),
      timeUploadedMs: String(uploaded),
    },
  ];
}
