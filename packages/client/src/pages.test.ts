import type { TagPage } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { errorOf, openScripted, type Opened } from "../fixture/scripted.ts";

async function tagsOf({ repository }: Opened): Promise<readonly string[]> {
  const tags: string[] = [];
  for await (const tag of repository.listTags()) tags.push(tag);
  return tags;
}

/** A list whose every page is `body` with a link to `next`. */
async function openEndless(next: string, tags: readonly string[] = ["a"]): Promise<Opened> {
  const opened = await openScripted({ origins: ["registry.test", "evil.test"] });
  const link = `<${next.replace("EVIL", opened.server.host("evil.test"))}>; rel="next"`;
  const answer = { status: 200, headers: { link }, body: JSON.stringify({ tags }) };
  opened.server.script([{ path: "/v2/library/app/tags/list", answer }]);
  return opened;
}

describe("lists", () => {
  it("ask for the next page only when the one before has been read", async () => {
    await using opened = await openEndless("?last=a");
    for await (const tag of opened.repository.listTags()) if (tag === "a") break;
    expect(opened.requests()).toHaveLength(1);
  });

  it("C9 Link to another host: only its query is used, at the registry", async () => {
    await using opened = await openScripted({ origins: ["registry.test", "evil.test"] });
    const link = `<http://${opened.server.host("evil.test")}/x?last=a>; rel="next"`;
    opened.server.script([
      { path: "*", nth: 1, answer: { status: 200, headers: { link }, body: '{"tags":["a"]}' } },
      { path: "*", nth: 2, answer: { status: 200, body: '{"tags":["b"]}' } },
    ]);
    expect(await tagsOf(opened)).toEqual(["a", "b"]);
    expect(opened.requests()[1]).toBe("GET /v2/library/app/tags/list?last=a");
  });

  it("C9 a list that is redirected goes on at the registry", async () => {
    await using opened = await openScripted({ origins: ["registry.test", "evil.test"] });
    const location = `http://${opened.server.host("evil.test")}/list`;
    const headers = { link: '<?last=a>; rel="next"' };
    opened.server.script([
      { path: "/v2/*", nth: 1, answer: { status: 307, headers: { location } } },
      { path: "/list", answer: { status: 200, headers, body: '{"tags":["a"]}' } },
      { path: "/v2/*", nth: 2, answer: { status: 200, body: '{"tags":["b"]}' } },
    ]);
    expect(await tagsOf(opened)).toEqual(["a", "b"]);
    expect(opened.requests()[2]).toBe("GET /v2/library/app/tags/list?last=a");
  });

  it.each([
    ["to itself", ["a", "a"]],
    ["to the page before it", ["a", "b", "a", "b", "a", "b"]],
  ])("C10 that lead back %s are an error", async (_where, cursors) => {
    await using opened = await openScripted();
    const rules = cursors.map((last, index) => ({
      path: "*",
      nth: index + 1,
      answer: {
        status: 200,
        headers: { link: `<?last=${last}>; rel="next"` },
        body: `{"tags":["t${index}"]}`,
      },
    }));
    opened.server.script(rules);
    expect(await errorOf(tagsOf(opened))).toMatchObject({ code: "RESPONSE_INVALID" });
    expect(opened.requests().length).toBeLessThanOrEqual(4);
  });

  it("C10 that go on without entries are an error", async () => {
    await using opened = await openScripted();
    const rules = [1, 2, 3, 4, 5, 6].map((nth) => ({
      path: "*",
      nth,
      answer: { status: 200, headers: { link: `<?last=${nth}>; rel="next"` }, body: '{"tags":[]}' },
    }));
    opened.server.script(rules);
    expect(await errorOf(tagsOf(opened))).toMatchObject({ code: "RESPONSE_INVALID" });
    expect(opened.requests()).toHaveLength(4);
  });

  it.each([{ pages: 2 }, { items: 2 }])("C10 end with an error at %j", async (limits) => {
    await using opened = await openScripted({}, (server) => ({
      hosts: { [server.host()]: { plainHttp: true } },
      network: { lookup: server.lookup },
      limits,
    }));
    const rules = [1, 2, 3, 4].map((nth) => ({
      path: "*",
      nth,
      answer: { status: 200, headers: { link: `<?last=${nth}>; rel="next"` }, body: `{"tags":["t${nth}"]}` },
    }));
    opened.server.script(rules);
    expect(await errorOf(tagsOf(opened))).toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(opened.requests()).toHaveLength(3);
  });

  it("C11 refuse a page beyond 4 MiB", async () => {
    const body = JSON.stringify({ tags: ["a"], filler: "x".repeat(4 * 1024 * 1024) });
    await using opened = await openScripted({ script: [{ path: "*", answer: { status: 200, body } }] });
    expect(await errorOf(tagsOf(opened))).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  it("give an entry once that is on both sides of a page border", async () => {
    await using opened = await openScripted();
    const link = '<?last=b>; rel="next"';
    opened.server.script([
      { path: "*", nth: 1, answer: { status: 200, headers: { link }, body: '{"tags":["a","b"]}' } },
      { path: "*", nth: 2, answer: { status: 200, body: '{"tags":["b","c"]}' } },
    ]);
    expect(await tagsOf(opened)).toEqual(["a", "b", "c"]);
  });

  it("ask for as many entries as the registry gives at a time, and no more", async () => {
    await using opened = await openScripted({}, (server) => ({
      hosts: { [server.host()]: { plainHttp: true, quirks: { maxPageSize: 7 } } },
    }));
    opened.server.script([{ path: "*", answer: { status: 200, body: "{}" } }]);
    for await (const _tag of opened.repository.listTags({ pageSize: 50 })) expect.unreachable();
    for await (const _tag of opened.repository.listTags({ pageSize: 5 })) expect.unreachable();
    expect(opened.requests().map((line) => line.slice(line.indexOf("?")))).toEqual(["?n=7", "?n=5"]);
  });
});

describe("listTagPages", () => {
  it("gives the pages as the registry makes them, with what it tells besides", async () => {
    await using opened = await openScripted();
    const first = { name: "library/app", tags: ["a", "b"], child: ["below", 1], manifest: {} };
    const link = '<?last=b>; rel="next"';
    opened.server.script([
      { path: "*", nth: 1, answer: { status: 200, headers: { link }, body: JSON.stringify(first) } },
      { path: "*", nth: 2, answer: { status: 200, body: '{"tags":null}' } },
    ]);
    const pages: TagPage[] = [];
    for await (const page of opened.repository.listTagPages({ pageSize: 2 })) pages.push(page);
    expect(pages).toMatchObject([
      { name: "library/app", tags: ["a", "b"], children: ["below"], manifests: [] },
      { tags: [] },
    ]);
    expect(opened.requests()).toEqual([
      "GET /v2/library/app/tags/list?n=2",
      "GET /v2/library/app/tags/list?last=b",
    ]);
  });
});
