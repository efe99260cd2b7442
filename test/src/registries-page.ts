import type { Fact, Profile, Quirk } from "@drayage/client";
import type { Quirks } from "@drayage/oci";

/** What each deviation means, in the words of the page. */
const wording: { readonly [Name in Quirk]: (value: NonNullable<Quirks[Name]>) => string } = {
  existence: (value) =>
    ({
      "self-mount": "tells by a mount from a repository to itself whether a blob is there",
      head: "is asked with `HEAD` whether a blob is there",
      get: "refuses `HEAD` of a blob, so it is asked with `GET` of its first byte",
    })[value],
  mount: (value) =>
    ({
      any: "mounts any blob",
      referenced: "mounts a blob only if a manifest of its repository names it",
      none: "mounts nothing from other repositories",
    })[value],
  mountWithoutFrom: (value) =>
    ({
      session: "answers a mount without a source with a session",
      found: "answers a mount without a source with the blob, if the repository has it",
      refused: "refuses a mount without a source",
    })[value],
  mountFromUnknown: (status) => `answers ${status} to a mount from a repository that does not exist`,
  upload: (value) => (value === "put" ? "takes a blob in one `PUT`" : "takes a blob by `PATCH` only"),
  maxPut: (bytes) => `takes at most ${count(bytes)} bytes in one \`PUT\``,
  chunks: (value) => (value === "any" ? "takes any number of chunks" : "takes an upload in one chunk"),
  minChunk: (bytes) => `wants chunks of at least ${binary(bytes)}, the last one apart`,
  maxChunk: (bytes) => `takes chunks of at most ${binary(bytes)}`,
  chunkStatus: (status) => `answers ${status} to a chunk`,
  uploadRange: (value) =>
    value === "received"
      ? "says in `Range` what it has received"
      : "says in `Range` for ever where the first chunk ended",
  uploadState: (value) =>
    value ? "changes the URL of an upload with every answer" : "keeps the URL of an upload",
  uploadType: (value) =>
    value ? "takes bytes as `application/octet-stream` only" : "takes bytes of any media type",
  location: (value) => (value === "url" ? "names whole URLs in `Location`" : "names paths in `Location`"),
  headerBytes: (bytes) => `answers with up to ${binary(bytes)} of headers`,
  blobRedirect: (status) => `redirects with ${status} to an object store for blobs`,
  blobRange: (value) => (value ? "sends ranges of blobs" : "sends all of a blob for a range of it"),
  headManifest: (value) =>
    value
      ? "says 404 to `HEAD` of a manifest that is not there"
      : "says 403 to `HEAD` of a manifest that is not there",
  digestHeader: (value) => `sends manifests ${value ? "with" : "without"} \`Docker-Content-Digest\``,
  untypedManifest: (value) => `${value ? "takes" : "refuses"} manifests without a \`mediaType\``,
  unknownCode: (code) => `calls a manifest that is not there \`${code}\``,
  compression: (value) => `${value ? "compresses" : "does not compress"} manifests on request`,
  digestAsTag: (value) =>
    value ? "takes the tag `sha256-<hex>` for the digest" : "takes `sha256-<hex>` for a tag",
  referrers: (value) =>
    value === "listed" ? "lists referrers" : `answers ${value} to a question for referrers`,
  referrersOfUnknown: (value) =>
    value === "listed"
      ? "lists the referrers of what is not there"
      : `answers ${value} to a question for the referrers of what is not there`,
  deleteTag: (value) => deletes("tags", value),
  deleteManifest: (value) =>
    value === "untagged" ? "deletes a manifest only while no tag points to it" : deletes("manifests", value),
  deleteBlob: (value) => deletes("blobs", value),
  deleteAction: (action) => `wants a token for \`${action}\` to delete`,
  maxPageSize: (entries) => `lists at most ${count(entries)} entries at a time`,
  oversizedPage: (value) =>
    value === "cut" ? "cuts pages that are too large" : "refuses an `n` that is too large",
  defaultPageSize: (entries) => `lists ${count(entries)} entries without \`n\``,
  tagPages: (value) =>
    ({
      linked: "links from page to page of tags",
      "linked-on": "links on behind the last page of tags",
      unlinked: "cuts pages of tags without a `Link` to the next",
      whole: "lists all tags at once, whatever `n` is",
    })[value],
  tagOrder: (value) =>
    value === "bytes" ? "lists tags in the order of their bytes" : "lists tags in no order",
  listAfter: (value) => (value ? "starts lists behind `last`" : "does not look at `last`"),
  tagEntries: (value) =>
    ({
      tags: "lists nothing but tags",
      null: "lists `null` among the tags",
      digests: "lists digests among the tags",
    })[value],
  listLink: (value) =>
    ({
      own: "links lists to their own path",
      shortened: "drops the first component of the repository from the `Link` of a list",
      internal: "names a path of its own in the `Link` of a list",
    })[value],
  noTags: (value) =>
    value === "empty"
      ? "lists no tags of a repository without any"
      : `answers ${value} to a question for tags where there are none`,
  catalog: (value) =>
    value === "listed" ? "lists its repositories" : `answers ${value} to a question for its repositories`,
  challenge: (schemes) => `asks for \`${schemes}\``,
  challengeScope: (value) =>
    value === "needed"
      ? "names the scope that is needed"
      : `names \`${value}\` as scope in a challenge, whatever is needed`,
  tokenScopes: (value) =>
    value === "all" ? "honours every `scope`" : "honours only the last of several `scope` parameters",
  tagAction: (action) => `wants a token for \`${action}\` to list tags`,
};

/** The page on what registries do differently, generated from what is known of them. */
export function registriesPage(profiles: readonly Profile[]): string {
  const sorted = profiles.toSorted((one, other) => one.quirks.name.localeCompare(other.quirks.name, "en"));
  return [
    "# What registries do differently",
    "",
    "<!-- Generated by `pnpm run docs` from the records in `packages/client/src/quirks`; do not edit. -->",
    "",
    "Registries differ from the distribution-spec and from each other. What Drayage knows of that is data: one",
    "record for each registry, each fact with the page it is known from. The client takes a record as its first",
    "guess, and what the registry then answers counts for more. A registry that runs under a name of your own is",
    "told by `hosts` of the client: `{ quirks: profiles.harbor.quirks }`.",
    "",
    "The tests hold the client against a registry that behaves as each of these records says.",
    "",
    "| Registry | Hosts |",
    "|---|---|",
    ...sorted.map(overviewRow),
    ...sorted.flatMap(section),
    "",
  ].join("\n");
}

function overviewRow({ quirks, hosts }: Profile): string {
  const names = hosts.length === 0 ? "your own" : hosts.map((host) => `\`${host}\``).join(" ");
  return `| [${quirks.name}](#${anchorOf(quirks.name)}) | ${names} |`;
}

function section({ quirks, facts }: Profile): readonly string[] {
  const rows = facts.map((fact) => `| ${meaningOf(fact.quirk, quirks)}${noteOf(fact)} | ${linkTo(fact)} |`);
  return ["", `## ${quirks.name}`, "", "| It | Known from |", "|---|---|", ...rows];
}

function meaningOf<Name extends Quirk>(quirk: Name, quirks: Quirks): string {
  const value = quirks[quirk];
  if (value === undefined || value === null) throw new Error(`${quirks.name} does not deviate in ${quirk}`);
  return wording[quirk](value);
}

function noteOf({ note }: Fact): string {
  return note === undefined ? "" : ` (${note})`;
}

/** `owner/repository#1` for a thread, the file for a file, else where the page is. */
function linkTo({ source }: Fact): string {
  const { hostname, pathname } = new URL(source);
  const [, owner = "", repository = "", kind = "", ...rest] = pathname.split("/");
  if (hostname !== "github.com") return `[${hostname}](${source})`;
  const isThread = kind === "issues" || kind === "pull";
  const text = isThread ? `${owner}/${repository}#${rest[0]}` : `${owner}/${repository} ${rest.at(-1)}`;
  return `[${text}](${source})`;
}

function deletes(what: string, value: "deleted" | number): string {
  return value === "deleted" ? `deletes ${what}` : `answers ${value} to deletes of ${what}`;
}

function anchorOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}

function count(number: number): string {
  return number.toLocaleString("en");
}

function binary(bytes: number): string {
  const mebibyte = 1024 * 1024;
  return bytes % mebibyte === 0 ? `${bytes / mebibyte} MiB` : `${bytes / 1024} KiB`;
}
