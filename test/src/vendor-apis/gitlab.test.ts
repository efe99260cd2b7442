import { createGitLabApi } from "@drayage/vendor-apis";
import { describe, expect, test } from "vitest";
import { internet } from "../network.ts";
import { listed, one, openVendor, two } from "./vendor.ts";

const network = internet();
const auth =
  "GET https://gitlab.com/jwt/auth?service=container_registry&scope=repository%3Agroup%2Fproject%2Fweb%3Apull";
const list = "GET https://registry.gitlab.com/gitlab/v1/repositories/group/project/web/tags/list/?n=100";
const reference = "registry.gitlab.com/group/project/web";

/** As in https://gitlab.com/gitlab-org/container-registry/-/blob/master/docs/spec/gitlab/api.md */
function tag(name: string, digest: string, times: object): object {
  const config_digest = two;
  const media_type = "application/vnd.oci.image.manifest.v1+json";
  return { name, digest, config_digest, media_type, size_bytes: 286_734_237, ...times };
}

const row = { mediaType: "application/vnd.oci.image.manifest.v1+json", imageSize: 286_734_237 };

describe("tags", () => {
  test("are listed with a token of the instance, and no link is followed but to the next tag", async () => {
    const link = `<https://evil.example/x/?n=2&before=a>; rel="previous", <https://evil.example/x/?n=2&last=v1>; rel="next"`;
    const times = { created_at: "2026-01-01T00:00:00.000Z" };
    const vendor = openVendor(network, {
      reference,
      credential: { username: "me", password: "canary-pat" },
      routes: {
        [auth]: { json: { token: "canary-jwt" } },
        [list]: { headers: { link }, json: [tag("v1", one, times)] },
        [`${list}&last=v1`]: {
          json: [tag("v2", two, { ...times, published_at: "2026-02-01T00:00:00.000Z" })],
        },
      },
    });
    expect(await listed(createGitLabApi(vendor.options))).toEqual([
      { ...row, digest: one, tags: [{ name: "v1", pushed: Date.UTC(2026, 0, 1) }] },
      { ...row, digest: two, tags: [{ name: "v2", pushed: Date.UTC(2026, 1, 1) }] },
    ]);
    expect(vendor.requests).toEqual([auth, list, `${list}&last=v1`]);
    expect([...vendor.proofs]).toEqual([
      ["gitlab.com", new Set([`Basic ${Buffer.from("me:canary-pat").toString("base64")}`])],
      ["registry.gitlab.com", new Set(["Bearer canary-jwt"])],
    ]);
  });

  test("are not known without the metadata database", async () => {
    const routes = { [auth]: { json: { token: "canary-jwt" } }, [list]: { status: 404 } };
    const { options } = openVendor(network, { reference, routes });
    await expect(listed(createGitLabApi(options))).rejects.toMatchObject({ code: "NAME_UNKNOWN" });
  });
});

test.each([
  ["registry.gitlab.com", "https://gitlab.example.com"],
  ["registry.example.com", undefined],
  ["registry.example.com", "http://gitlab.example.com"],
  ["registry.example.com", "https://me@gitlab.example.com"],
])("the password of %s goes to no instance at %s", (registry, instance) => {
  const { options } = openVendor(network, { reference, routes: {} });
  expect(() => createGitLabApi({ ...options, registry, instance })).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID" }),
  );
});
