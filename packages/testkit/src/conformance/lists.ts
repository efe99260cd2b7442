import { digestOf, mediaType, parseLink } from "@drayage/oci";
import { expect } from "vitest";
import {
  entriesOf,
  expectRefusal,
  expectStatus,
  fieldOf,
  jsonOf,
  manifestPath,
  type ConformanceCase,
  type ConformanceContext,
} from "./case.ts";

const tags = ["1.10", "1.9", "B", "_x", "a", "a-b", "a.b", "b"];

export const listCases: readonly ConformanceCase[] = [
  {
    title: "tags come in byte order, n at a time, and Link leads to the rest",
    run: async (context) => {
      await setTags(context, tags);
      const target = `/v2/${context.name}/tags/list`;
      for (const n of [1, 3, tags.length]) {
        const pages = await walk(context, `${target}?n=${n}`, "tags");
        expect(pages.flat()).toEqual(tags);
        for (const page of pages) expect(page.length).toBeLessThanOrEqual(n);
      }
    },
  },
  {
    title: "n=0 is an empty list without a Link",
    run: async (context) => {
      await setTags(context, tags);
      const answer = await context.wire("GET", `/v2/${context.name}/tags/list?n=0`);
      expect(jsonOf(expectStatus(answer, 200).body)).toEqual({ name: context.name, tags: [] });
      expect(answer.headers["link"]).toBeUndefined();
    },
  },
  {
    title: "last need not be a tag, and stands with n and without",
    run: async (context) => {
      await setTags(context, tags);
      const target = `/v2/${context.name}/tags/list`;
      expect((await walk(context, `${target}?last=a.a`, "tags")).flat()).toEqual(["a.b", "b"]);
      expect((await walk(context, `${target}?n=1&last=a.a`, "tags")).flat()).toEqual(["a.b", "b"]);
    },
  },
  {
    title: "an n that is no number is 400, a huge one is as much as there is",
    run: async (context) => {
      await setTags(context, tags);
      const target = `/v2/${context.name}/tags/list`;
      for (const n of ["-1", "x", "1.5", ""]) {
        expectRefusal(await context.wire("GET", `${target}?n=${n}`), 400, "UNSUPPORTED");
      }
      expect((await walk(context, `${target}?n=1000000000000000`, "tags")).flat()).toEqual(tags);
    },
  },
  {
    title: "the referrers of a subject come in pages that Link leads through, each once",
    run: async (context) => {
      const { wire, name, seed } = context;
      const subject = { mediaType: mediaType.ociIndex, digest: digestOf(Buffer.from(`${seed}`)), size: 1 };
      const digests: string[] = [];
      // Enough for more than a page of 1 MiB.
      for (let number = 0; number < 5; number++) {
        const body = indexOf({ subject, annotations: { number: String(number), text: "x".repeat(300_000) } });
        expectStatus(await wire("PUT", manifestPath(name, digestOf(body)), { body }), 201);
        digests.push(digestOf(body));
      }
      const pages = await walk(context, `/v2/${name}/referrers/${subject.digest}`, "manifests");
      expect(pages.length).toBeGreaterThan(1);
      expect(pages.flat().map((entry) => fieldOf(entry, "digest"))).toEqual(digests.toSorted());
    },
  },
];

function indexOf(fields: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [], ...fields }),
  );
}

async function setTags({ wire, name, seed }: ConformanceContext, wanted: readonly string[]): Promise<void> {
  const body = indexOf({ annotations: { seed: String(seed) } });
  for (const tag of wanted) expectStatus(await wire("PUT", manifestPath(name, tag), { body }), 201);
}

/** The entries of each page, from `target` to the last one that `Link` leads to. */
async function walk(
  { wire }: ConformanceContext,
  target: string,
  field: "tags" | "manifests",
): Promise<readonly (readonly unknown[])[]> {
  const pages: (readonly unknown[])[] = [];
  for (let next: string | undefined = target; next !== undefined; ) {
    const answer = expectStatus(await wire("GET", next), 200);
    pages.push(entriesOf(jsonOf(answer.body), field));
    next = linkOf(answer.headers["link"]);
  }
  return pages;
}

function linkOf(header: string | readonly string[] | undefined): string | undefined {
  return parseLink(header).links.find(({ rel }) => rel.includes("next"))?.uri;
}
