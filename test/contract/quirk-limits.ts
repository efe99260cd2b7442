import type { Profile, Quirk } from "@drayage/client";
import type { Quirks } from "@drayage/oci";

/** What a registry with a quirk cannot do, whoever asks it. */
interface Limit {
  readonly quirk: Quirk;
  readonly isMet: (quirks: Quirks) => boolean;
  readonly says: string;
  /** The cases of the repository contract that it makes impossible. */
  readonly cases: readonly string[];
}

const mounting = [
  "putBlob mounts from a repository that has the blob, and opens nothing",
  "mountBlob takes a blob over from the repository that is named",
];
const inPieces = [
  "an upload in pieces publishes the blob when it is committed, and not before",
  "an upload is continued by its id from another repository object",
  "an append at another place than the offset throws RANGE_INVALID, and the upload lives on",
  "an upload that was cancelled is gone, and its bytes with it",
  "two uploads at the same time do not mix",
  "an append whose source breaks off leaves an upload that can be continued",
];
const deletingTagged = [
  "deleteManifest removes the manifest and every tag that points to it",
  "deleteManifest of an index keeps the manifests it lists",
  "a manifest can be put again after it was deleted",
];

const limits: readonly Limit[] = [
  {
    quirk: "mount",
    isMet: ({ mount }) => mount === "none",
    says: "mounts nothing from other repositories",
    cases: mounting,
  },
  {
    quirk: "mount",
    isMet: ({ mount }) => mount === "referenced",
    says: "mounts only what a manifest names",
    cases: mounting,
  },
  {
    quirk: "tokenScopes",
    isMet: ({ tokenScopes }) => tokenScopes === "last",
    says: "gives no token for two repositories, as a mount needs it",
    cases: mounting,
  },
  {
    quirk: "chunks",
    isMet: ({ chunks }) => chunks === "one",
    says: "takes an upload in one chunk",
    cases: inPieces,
  },
  {
    quirk: "untypedManifest",
    isMet: ({ untypedManifest }) => !untypedManifest,
    says: "refuses manifests without a mediaType property",
    cases: ["a manifest without a mediaType property keeps the media type it came with"],
  },
  {
    quirk: "referrersOfUnknown",
    isMet: ({ referrersOfUnknown }) => referrersOfUnknown === 400,
    says: "lists no referrers of a manifest that is not there",
    cases: [
      "listReferrers finds what was pushed before its subject",
      "a referrer that is pushed again is listed once",
      "a referrer that is deleted is listed no more",
      "listReferrers has room for more than one page of large annotations",
    ],
  },
  {
    quirk: "deleteTag",
    isMet: ({ deleteTag }) => deleteTag !== "deleted",
    says: "deletes no tags",
    cases: [
      "deleteTag removes the tag and neither the manifest nor its other tags",
      "deleteTag of the last tag keeps the manifest",
      "deleteTag of a tag that does not exist says absent",
      "deleteTag with ifMatch removes a tag that is where it was expected",
      "deleting in a repository without content says absent, and does not make it exist",
    ],
  },
  {
    quirk: "deleteManifest",
    isMet: ({ deleteManifest }) => deleteManifest === "untagged",
    says: "deletes manifests only while no tag points to them",
    cases: deletingTagged,
  },
  {
    quirk: "deleteManifest",
    isMet: ({ deleteManifest }) => typeof deleteManifest === "number",
    says: "deletes no manifests",
    cases: [
      ...deletingTagged,
      "deleteManifest of a manifest that does not exist says absent",
      "a referrer that is deleted is listed no more",
    ],
  },
  {
    quirk: "deleteBlob",
    isMet: ({ deleteBlob }) => deleteBlob !== "deleted",
    says: "deletes no blobs",
    cases: [
      "deleteBlob removes the blob, and it can be put again",
      "deleteBlob of a blob that does not exist says absent",
      "deleteBlob removes the blob from one repository only (CVE-2026-35172)",
    ],
  },
  {
    quirk: "tagOrder",
    isMet: ({ tagOrder }) => tagOrder === "any",
    says: "lists tags in no order",
    cases: [
      "listTags gives every tag once, in byte order",
      "listTags goes on over as many pages as there are",
      "listTags starts behind the tag it is given",
      "listTags starts behind a tag that does not exist",
      "a reader of listTags may stop after any tag",
      "listTags that is aborted between two tags rejects with the reason",
    ],
  },
  {
    quirk: "noTags",
    isMet: ({ noTags }) => noTags === 404,
    says: "does not know a repository without tags",
    cases: [
      "putManifest without tags makes a manifest that only its digest names",
      "listTags of a repository whose manifests have no tags is empty",
    ],
  },
  {
    quirk: "catalog",
    isMet: ({ catalog }) => catalog !== "listed",
    says: "lists its repositories for nobody",
    cases: [
      "listRepositories gives every repository that has content, in byte order",
      "listRepositories goes on over as many pages as there are",
      "listRepositories starts behind the name it is given",
    ],
  },
];

/** The cases that a registry cannot keep, each with the reason and the page that it is known from. */
export function skipsOf({ quirks, facts }: Profile): Readonly<Record<string, string>> {
  const skips: Record<string, string> = {};
  for (const { quirk, isMet, says, cases } of limits) {
    if (!isMet(quirks)) continue;
    const fact = facts.find((each) => each.quirk === quirk);
    if (fact === undefined) throw new Error(`${quirks.name} deviates in ${quirk} without a source`);
    for (const title of cases) skips[title] = `${quirks.name} ${says}: ${fact.source}`;
  }
  return skips;
}
