import { bytesOf, headerOf, Secret, type Credential, type HttpHeaders } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { hostOf } from "../host.ts";
import { settingsOf } from "../options.ts";
import { fail } from "./fail.ts";
import type { RegistryRequest, RegistryResponse, Subject } from "./message.ts";

function response(
  status: number,
  about: {
    readonly subject?: Subject;
    readonly method?: RegistryRequest["method"];
    readonly body?: string;
    readonly headers?: HttpHeaders;
    readonly registry?: string;
    readonly credential?: Credential;
    readonly plainHttp?: boolean;
    /** Where a redirect led. */
    readonly url?: string;
  } = {},
): RegistryResponse {
  const { subject = "manifest", method = "GET", body = "", headers = {}, credential } = about;
  const { registry = "registry.example", plainHttp } = about;
  const host = hostOf(registry, settingsOf({ hosts: { [registry]: { plainHttp } } }));
  const asked = new URL("/v2/a/x?token=canary&n=1", host.url);
  const url = about.url === undefined ? asked : new URL(about.url);
  const request: RegistryRequest = { host, method, url: asked, lane: "api", subject, credential };
  return { status, headers, url, request, body: bytesOf(new TextEncoder().encode(body)) };
}

const said = (code: string, message = "said"): string => JSON.stringify({ errors: [{ code, message }] });

describe("the code of an answer", () => {
  it.each([
    ["manifest", "MANIFEST_UNKNOWN"],
    ["blob", "BLOB_UNKNOWN"],
    ["upload", "BLOB_UPLOAD_UNKNOWN"],
    ["repository", "NAME_UNKNOWN"],
    ["registry", "UNSUPPORTED"],
  ] as const)("404 for a %s is %s", async (subject, code) => {
    expect(await fail(response(404, { subject }))).toMatchObject({ code });
  });

  it.each([
    [304, "NOT_MODIFIED"],
    [307, "RESPONSE_INVALID"],
    [401, "UNAUTHORIZED"],
    [403, "DENIED"],
    [405, "UNSUPPORTED"],
    [408, "UNAVAILABLE"],
    [409, "UNKNOWN"],
    [412, "PRECONDITION_FAILED"],
    [413, "SIZE_INVALID"],
    [416, "RANGE_INVALID"],
    [429, "TOOMANYREQUESTS"],
    [500, "UNAVAILABLE"],
    [501, "UNSUPPORTED"],
  ] as const)("%d is %s", async (status, code) => {
    expect(await fail(response(status))).toMatchObject({ code, status });
  });

  it("is what the registry says, if that is one of the specification", async () => {
    expect(await fail(response(404, { body: said("NAME_UNKNOWN") }))).toMatchObject({ code: "NAME_UNKNOWN" });
    expect(await fail(response(404, { body: said("UNKNOWN") }))).toMatchObject({ code: "MANIFEST_UNKNOWN" });
    expect(await fail(response(404, { body: said("TEAPOT") }))).toMatchObject({ code: "MANIFEST_UNKNOWN" });
  });

  it("is never one of ours that a registry cannot know", async () => {
    const error = await fail(response(400, { body: said("UNTRUSTED_TOKEN_SERVER") }));
    expect(error).toMatchObject({ code: "UNKNOWN", retryable: false });
  });

  it("is what the status says where it can say one thing only", async () => {
    expect(await fail(response(429, { body: said("DENIED") }))).toMatchObject({ code: "TOOMANYREQUESTS" });
    expect(await fail(response(416, { body: said("BLOB_UNKNOWN") }))).toMatchObject({
      code: "RANGE_INVALID",
    });
  });

  it("of a refused manifest is MANIFEST_INVALID unless the registry says more", async () => {
    expect(await fail(response(400, { method: "PUT" }))).toMatchObject({ code: "MANIFEST_INVALID" });
    const body = said("MANIFEST_BLOB_UNKNOWN");
    expect(await fail(response(400, { method: "PUT", body }))).toMatchObject({
      code: "MANIFEST_BLOB_UNKNOWN",
    });
  });
});

it("an error tells method, URL, request id and when to come back", async () => {
  const headers = { "x-request-id": "r1", "retry-after": "5" };
  expect(headerOf(headers, "retry-after")).toBe("5");
  expect(await fail(response(503, { headers }))).toMatchObject({
    method: "GET",
    url: "https://registry.example/v2/a/x?token=***&n=1",
    requestId: "r1",
    retryAfter: 5000,
    retryable: true,
    attempt: 1,
  });
});

it("C24 what a registry says cannot command a terminal", async () => {
  const error = await fail(response(400, { body: said("DENIED", "\u001b]52;c;x\u0007\u202e") }));
  expect(error.message).not.toMatch(/[\u0000-\u001f\u202e]/);
});

it("C11 a body that is too long does not make the error larger", async () => {
  const error = await fail(response(400, { body: "x".repeat(70_000) }));
  expect(error).toMatchObject({ code: "UNKNOWN" });
  expect(error.message.length).toBeLessThan(200);
});

it("the answer of a token server is not quoted", async () => {
  const error = await fail(response(401, { subject: "token", body: said("DENIED", "canary") }));
  expect(error.message).not.toContain("canary");
});

it.each(["manifest", "token"] as const)("C11 an endless answer about a %s is left", async (subject) => {
  const piece = new Uint8Array(10_000);
  let [sent, isLeft] = [0, false];
  async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      while (true) {
        sent += piece.byteLength;
        yield piece;
      }
    } finally {
      isLeft = true;
    }
  }
  await fail({ ...response(401, { subject }), body: endless() });
  expect(isLeft).toBe(true);
  expect(sent).toBeLessThan(100_000);
});

describe("the hint of an answer", () => {
  const basic: Credential = { type: "basic", username: "me", password: new Secret("canary") };
  const bearer: Credential = { type: "bearer", token: new Secret("canary") };
  const hintOf = async (status: number, about: Parameters<typeof response>[1] = {}) =>
    (await fail(response(status, about))).hint;

  it.each([401, 403])("%d without a credential says so", async (status) => {
    expect(await hintOf(status)).toBe("no credential for registry.example was sent");
  });

  it.each([401, 403])("%d in spite of one says what may be wrong with it", async (status) => {
    expect(await hintOf(status, { credential: basic })).toContain("access token");
    expect(await hintOf(status, { credential: bearer })).toContain("rights");
  });

  it("is what the credential's provider says, if it says anything", async () => {
    const credential = { ...basic, hint: "run `login` again" };
    expect(await hintOf(401, { credential, registry: "ghcr.io" })).toBe("run `login` again");
  });

  it.each([
    ["ghcr.io", 403, "", "docs.github.com"],
    ["ghcr.io", 401, "", "read:packages"],
    ["1.dkr.ecr.eu-west-1.amazonaws.com", 404, said("NAME_UNKNOWN"), "has to be created"],
    ["docker.io", 429, "", "pulls are counted"],
    ["docker.io", 401, "", "may not exist"],
  ])("is what is known of %s and %d", async (registry, status, body, expected) => {
    expect(await hintOf(status, { registry, body, credential: basic })).toContain(expected);
  });

  it("of a registry that takes anybody in is not given to those of others", async () => {
    expect(await hintOf(429)).toBeUndefined();
    expect(await hintOf(404, { body: said("NAME_UNKNOWN") })).toBeUndefined();
  });

  it("says nothing of what a redirect's target refuses", async () => {
    expect(await hintOf(403, { url: "https://storage.example/x" })).toBeUndefined();
  });

  it("of a 400 over http that no registry wrote is that it may speak https", async () => {
    const text = "The plain HTTP request was sent to HTTPS port";
    expect(await hintOf(400, { plainHttp: true, body: text })).toContain("https");
    expect(await hintOf(400, { plainHttp: true, body: said("NAME_INVALID") })).toBeUndefined();
    expect(await hintOf(400)).toBeUndefined();
  });
});
