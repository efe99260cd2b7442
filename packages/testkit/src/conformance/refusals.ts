import { digestOf, mediaType } from "@drayage/oci";
import { expect } from "vitest";
import {
  expectRefusal,
  expectStatus,
  headerOf,
  jsonOf,
  manifestPath,
  uploadsPath,
  type ConformanceCase,
  type ConformanceContext,
} from "./case.ts";
import { createWireBlob, pushAtOnce } from "./push.ts";

/** What is asked of a repository that has nothing yet. */
export const emptyCases: readonly ConformanceCase[] = [
  {
    title: "GET /v2/ says that the distribution-spec is spoken",
    run: async ({ wire }) => {
      expectStatus(await wire("GET", "/v2/"), 200);
    },
  },
  {
    title: "the tags of a repository that does not exist are 404 NAME_UNKNOWN",
    run: async ({ wire, name }) => {
      expectRefusal(await wire("GET", `/v2/${name}/tags/list`), 404, "NAME_UNKNOWN");
    },
  },
  {
    title: "the referrers of a repository that does not exist are an empty index",
    run: async ({ wire, name, seed }) => {
      const digest = digestOf(Buffer.from(String(seed)));
      const answer = expectStatus(await wire("GET", `/v2/${name}/referrers/${digest}`), 200);
      expect(headerOf(answer, "content-type")).toBe(mediaType.ociIndex);
      const index = { schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [] };
      expect(jsonOf(answer.body)).toEqual(index);
    },
  },
];

/** Names under which nothing is, and nothing can be. */
const unknown = [
  ["a tag", "unknown"],
  ["a sha256 digest", digestOf(Buffer.from("unknown"))],
  ["a sha512 digest", digestOf(Buffer.from("unknown"), "sha512")],
  ["a tag that none can be", ".INVALID_MANIFEST_NAME"],
  ["a digest that none can be", "sha256:baddigeststring"],
] as const;

const unknownCases = unknown.map(
  ([what, reference]): ConformanceCase => ({
    title: `a manifest at ${what} is 404 to GET and HEAD, also to a GET with a body`,
    run: async (context) => {
      const { wire, name } = context;
      await fill(context);
      const target = manifestPath(name, reference);
      expectRefusal(await wire("GET", target), 404, "MANIFEST_UNKNOWN");
      expectStatus(await wire("HEAD", target), 404);
      expectRefusal(await wire("GET", target, { body: "{}" }), 404, "MANIFEST_UNKNOWN");
    },
  }),
);

const wrongReferenceCases = ["sha256:baddigeststring", `md5:${"0".repeat(32)}`].map(
  (reference): ConformanceCase => ({
    title: `PUT of a manifest at ${reference} is 400`,
    run: async ({ wire, name }) => {
      const headers = { "content-type": mediaType.ociIndex };
      const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [] });
      expectRefusal(
        await wire("PUT", manifestPath(name, reference), { headers, body }),
        400,
        "DIGEST_INVALID",
      );
    },
  }),
);

export const refusalCases: readonly ConformanceCase[] = [
  ...unknownCases,
  ...wrongReferenceCases,
  {
    title: "DELETE of a manifest or a tag that is not there is 404",
    run: async (context) => {
      const { wire, name } = context;
      const digest = digestOf(Buffer.from("unknown"));
      expectStatus(await wire("DELETE", manifestPath(name, digest)), 404);
      await fill(context);
      expectRefusal(await wire("DELETE", manifestPath(name, digest)), 404, "MANIFEST_UNKNOWN");
      expectRefusal(await wire("DELETE", manifestPath(name, "unknown")), 404, "MANIFEST_UNKNOWN");
    },
  },
  {
    title: "a name that no repository can have is 400 NAME_INVALID",
    run: async ({ wire }) => {
      expectRefusal(await wire("POST", uploadsPath("No/Capitals")), 400, "NAME_INVALID");
    },
  },
  {
    title: "referrers of what is no digest are 400",
    run: async ({ wire, name }) => {
      expectRefusal(await wire("GET", `/v2/${name}/referrers/sha256:bad`), 400, "DIGEST_INVALID");
    },
  },
  {
    title: "a manifest of more than 4 MiB is 413, whether or not its length is said",
    run: async ({ wire, name }) => {
      const headers = { "content-type": mediaType.ociIndex };
      const body = Buffer.alloc(4 * 1024 * 1024 + 1, " ");
      for (const isStreamed of [false, true]) {
        const answer = await wire("PUT", manifestPath(name, "large"), { headers, body, isStreamed });
        expectRefusal(answer, 413, "SIZE_INVALID");
      }
    },
  },
];

/** Makes the repository exist. */
async function fill(context: ConformanceContext): Promise<void> {
  const blob = createWireBlob(Buffer.from("{}"));
  expectStatus(await pushAtOnce(context, blob), 201);
}
