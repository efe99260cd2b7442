import { parseJson, parseObject, type Quirks } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { image, openQuirky, type Received } from "../../../fixture/quirky.ts";

const { digest } = image.document.descriptor;

describe("lists", () => {
  const path = "/v2/team/app/tags/list";
  const openTagged = async (quirks: Partial<Quirks>) => {
    const opened = await openQuirky(quirks);
    const { tags } = opened.registry.content.repository("team/app");
    for (const tag of ["a", "b", "c"]) tags.set(tag, digest);
    return opened.send;
  };
  const tagsIn = ({ text }: Received): unknown =>
    parseObject(parseJson(Buffer.from(text), "RESPONSE_INVALID"))?.["tags"];

  it("maxPageSize: a larger n is cut or refused", async () => {
    const cut = await openTagged({ maxPageSize: 2 });
    expect(tagsIn(await cut(`${path}?n=3`))).toEqual(["a", "b"]);
    const refused = await openTagged({ maxPageSize: 2, oversizedPage: "refused" });
    expect(await refused(`${path}?n=3`)).toMatchObject({ status: 405 });
    expect(await refused(`${path}?n=2`)).toMatchObject({ status: 200 });
  });

  it("defaultPageSize: a list without n has pages all the same", async () => {
    const send = await openTagged({ defaultPageSize: 3 });
    expect(tagsIn(await send(path))).toEqual(["a", "b", "c"]);
    expect(tagsIn(await send(`${path}?n=4`))).toEqual(["a", "b", "c", "v1"]);
  });

  it("tagPages: linked, linked on behind the last one, unlinked, whole", async () => {
    const linkOf = async (quirks: Partial<Quirks>, query: string) =>
      (await (await openTagged(quirks))(path + query)).headers["link"];
    expect(await linkOf({}, "?n=2")).toContain("last=b");
    expect(await linkOf({}, "?n=4")).toBeUndefined();
    expect(await linkOf({ tagPages: "linked-on" }, "?n=4")).toContain("last=v1");
    expect(await linkOf({ tagPages: "unlinked" }, "?n=2")).toBeUndefined();
    const whole = await openTagged({ tagPages: "whole" });
    expect(tagsIn(await whole(`${path}?n=2`))).toEqual(["a", "b", "c", "v1"]);
  });

  it("tagOrder any: tags are not sorted", async () => {
    const send = await openTagged({ tagOrder: "any" });
    expect(tagsIn(await send(path))).not.toEqual(["a", "b", "c", "v1"]);
  });

  it("listAfter: last is not looked at, but the registry's own token is", async () => {
    const send = await openTagged({ listAfter: false });
    const first = await send(`${path}?n=2&last=b`);
    expect(tagsIn(first)).toEqual(["a", "b"]);
    const next = /<(.+)>/.exec(String(first.headers["link"]))?.[1] ?? "";
    expect(tagsIn(await send(next))).toEqual(["c", "v1"]);
  });

  it("tagEntries: strangers among the tags", async () => {
    expect(tagsIn(await (await openTagged({ tagEntries: "null" }))(path))).toContain(null);
    const digests = await openTagged({ tagEntries: "digests" });
    expect(tagsIn(await digests(path))).toContainEqual(expect.stringMatching(/^sha256:/));
  });

  it("listLink: the next page is named by a path that is none", async () => {
    const shortened = await openTagged({ listLink: "shortened" });
    expect((await shortened(`${path}?n=2`)).headers["link"]).toContain("</v2/app/tags/list?");
    const internal = await openTagged({ listLink: "internal" });
    expect((await internal(`${path}?n=2`)).headers["link"]).toMatch(/^<http:.*\/repository\/proxy\/v2\/team/);
  });

  it("noTags 404: a repository without tags is unknown", async () => {
    const { send, registry } = await openQuirky({ noTags: 404 });
    expect(await send(path)).toMatchObject({ status: 200 });
    registry.content.repository("team/app").tags.clear();
    expect(await send(path)).toMatchObject({ status: 404 });
  });

  it("catalog 401: repositories are not listed", async () => {
    expect(await (await openQuirky({ catalog: 401 })).send("/v2/_catalog")).toMatchObject({ status: 401 });
    expect(await (await openQuirky({})).send("/v2/_catalog")).toMatchObject({ status: 200 });
  });
});
