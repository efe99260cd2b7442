import { createClient, type RegistryClient } from "@drayage/client";
import { isOciError, parseChallenges, parseLink, parseReference } from "@drayage/oci";
import type { ScriptedAnswer } from "@drayage/testkit";
import fc from "fast-check";
import { Agent, type Dispatcher } from "undici";
import { describe, expect, it } from "vitest";
import { all, home, onManifests, openAttack } from "./attack.ts";

const tagList = "/v2/app/tags/list";

function page(tags: readonly string[], next?: string): ScriptedAnswer {
  const headers = {
    "content-type": "application/json",
    ...(next === undefined ? {} : { link: `<${next}>; rel="next"` }),
  };
  return { status: 200, headers, body: JSON.stringify({ name: "app", tags }) };
}

describe("C10 endless pagination (GHSA-298f-872v-2rcx)", () => {
  it("that leads back to itself is an error after two requests at the most", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    attack.server.clearLedger();
    attack.server.script([{ path: tagList, answer: page(["v1"], `${tagList}?last=v1`) }]);
    const error = await attack.failureOf(() => all(attack.repository.listTags()));
    expect(error).toMatchObject({ code: "RESPONSE_INVALID" });
    expect(attack.server.ledger.length).toBeLessThanOrEqual(3);
  });

  it("that counts on for ever is an error at the limits", async () => {
    await using attack = await openAttack({ client: () => ({ limits: { pages: 5 } }) });
    await attack.repository.headManifest("v1");
    attack.server.clearLedger();
    let count = 0;
    attack.server.script([
      { path: tagList, change: () => page([`v${count}`], `${tagList}?last=v${count++}`) },
    ]);
    const error = await attack.failureOf(() => all(attack.repository.listTags()));
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(attack.server.ledger).toHaveLength(6);
  });

  it("of more entries than the limit is an error", async () => {
    await using attack = await openAttack({ client: () => ({ limits: { items: 50 } }) });
    attack.server.script([
      { path: tagList, change: () => page(Array.from({ length: 51 }, (_, n) => `v${n}`)) },
    ]);
    const error = await attack.failureOf(() => all(attack.repository.listTags()));
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  it("without entries is an error after three empty pages", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    attack.server.clearLedger();
    let count = 0;
    attack.server.script([{ path: tagList, change: () => page([], `${tagList}?last=v${count++}`) }]);
    const error = await attack.failureOf(() => all(attack.repository.listTags()));
    expect(error).toMatchObject({ code: "RESPONSE_INVALID" });
    expect(attack.server.ledger.length).toBeLessThanOrEqual(4);
  });

  it("is not even asked for by who takes one entry", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    attack.server.clearLedger();
    attack.server.script([{ path: tagList, answer: page(["v1", "v2"], `${tagList}?last=v2`) }]);
    for await (const tag of attack.repository.listTags()) if (tag === "v1") break;
    expect(attack.server.ledger).toHaveLength(1);
  });
});

describe("C18 repository, tag and reference injection", () => {
  const hostile = [
    "..",
    "a/../b",
    "a/%2e%2e/b",
    "a%2fb",
    "a?x",
    "a#x",
    "a\\b",
    "a\r\nx: y",
    "https://evil.test/",
    "",
    "A",
    "a//b",
  ];

  it.each(hostile)("repository %j is refused before anything is sent", async (name) => {
    await using attack = await openAttack();
    const registry = attack.client.registry(attack.server.host());
    const error = await attack.failureOf(() => registry.repository(name).headManifest("v1"));
    expect(error).toMatchObject({ code: "NAME_INVALID" });
    expect(attack.server.ledger).toEqual([]);
  });

  it.each(hostile.filter((tag) => tag !== "A"))("tag %j is refused before anything is sent", async (tag) => {
    await using attack = await openAttack();
    const error = await attack.failureOf(() => attack.repository.headManifest(tag));
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(?:TAG|REFERENCE|DIGEST)_INVALID$/) as unknown,
    });
    expect(attack.server.ledger).toEqual([]);
  });

  it("a tag that a registry lists is data, and no part of a path until it is asked for", async () => {
    await using attack = await openAttack();
    attack.server.script([{ path: tagList, change: () => page(["../../other/manifests/v1"]) }]);
    const tags = await all(attack.repository.listTags()).catch(() => []);
    for (const tag of tags) {
      expect(await attack.failureOf(() => attack.repository.headManifest(tag))).toMatchObject({
        code: "TAG_INVALID",
      });
    }
    expect(attack.requestsTo(home).some((line) => line.includes("other"))).toBe(false);
  });

  describe("of any text", () => {
    /** The paths that a client asks for, without a network; the code of its error if there are none. */
    async function outcomeOf(ask: (registry: RegistryClient) => Promise<unknown>): Promise<string> {
      const paths: string[] = [];
      const recording: Dispatcher.DispatcherComposeInterceptor = () => (request, _handler) => {
        paths.push(request.path);
        throw new Error("asked");
      };
      const dispatcher = new Agent().compose(recording);
      const client = createClient({ dispatcher, retry: { attempts: 1 } });
      const code = await codeOfFailure(() => ask(client.registry("registry.example")));
      return paths.length > 0 ? paths.join(" ") : (code ?? "nothing");
    }

    const hostileText = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc
        .array(fc.constantFrom(...hostile, "a", "b1", "/", ".", "%2f", "?n=1", "#", "@", ":", "\n"), {
          maxLength: 6,
        })
        .map((parts) => parts.join("")),
      fc.stringMatching(/^[a-z0-9]+(?:[._-][a-z0-9]+)*(?:\/[a-z0-9]+)*$/),
    );
    const refusals = ["NAME_INVALID", "TAG_INVALID", "REFERENCE_INVALID", "DIGEST_INVALID"];

    it("as a repository: refused, or one path with the same segments", async () => {
      const property = fc.asyncProperty(hostileText, async (name) => {
        const outcome = await outcomeOf(async (registry) => registry.repository(name).headManifest("v1"));
        expect([...refusals, `/v2/${name}/manifests/v1`]).toContain(outcome);
        expect(outcome).not.toMatch(/[?#%\\\s]|\/\.{0,2}\//);
      });
      await fc.assert(property, { numRuns: 500, examples: [["a/b-c"], ["a/../b"]] });
    });

    it("as a tag or digest: refused, or the last segment of one path", async () => {
      const property = fc.asyncProperty(hostileText, async (at) => {
        const outcome = await outcomeOf(async (registry) => registry.repository("a/b").headManifest(at));
        expect([...refusals, `/v2/a/b/manifests/${at}`]).toContain(outcome);
        expect(outcome).not.toMatch(/[?#%\\\s]|\/\.{0,2}(?:\/|$)/);
      });
      await fc.assert(property, { numRuns: 500, examples: [["v1.0"], [".."]] });
    });

    it("as a place to begin a list behind: refused, or one parameter that says the same", async () => {
      const property = fc.asyncProperty(hostileText, async (after) => {
        const outcome = await outcomeOf(async (registry) =>
          all(registry.repository("a").listTags({ after })),
        );
        const [path, query = ""] = outcome.split("?");
        expect([...refusals, "/v2/a/tags/list"]).toContain(path);
        expect([[], [after]]).toContainEqual(new URLSearchParams(query).getAll("last"));
      });
      await fc.assert(property, { numRuns: 500, examples: [["v1&n=1"], ["v1"]] });
    });
  });
});

describe("C23 ReDoS: a mebibyte of anything is read, or refused for what it is", () => {
  const size = 1024 * 1024;
  const inputs = ["a", "a/", "<", '"', "\\", ",", " ", "a=", "a-._", ";=", '<a>;rel="next",'].map((unit) =>
    unit.repeat(Math.ceil(size / unit.length)),
  );

  // None of these readers uses an expression that `regexes.test.ts` does not know to be linear.
  it.each<[string, (text: string) => unknown]>([
    ["a reference", (text) => parseReference(text)],
    ["a Link", (text) => parseLink(text)],
    ["a challenge", (text) => parseChallenges(text)],
  ])("%s", async (_what, read) => {
    for (const text of inputs) {
      const code = await codeOfFailure(async () => read(text));
      expect([undefined, "REFERENCE_INVALID", "NAME_INVALID", "LIMIT_EXCEEDED"]).toContain(code);
    }
  });
});

/** The code of the error that `action` fails with; of any other error what it says. */
async function codeOfFailure(action: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    return isOciError(error) ? error.code : String(error);
  }
}

describe("C24 terminal escapes", () => {
  const escape = "\u001b]52;c;ZXZpbA==\u0007\u202egnp";

  it("in a registry's error are shown, not sent", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    const body = JSON.stringify({ errors: [{ code: "UNKNOWN", message: escape, detail: escape }] });
    attack.server.script([onManifests({ answer: { status: 400, body } })]);
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    const { message } = error instanceof Error ? error : { message: "" };
    expect(message).toContain("\\u001b]52;c;ZXZpbA==\\u0007\\u202egnp");
    expect(error).toMatchObject({ detail: escape });
  });

  it("in a tag that is asked for are shown, not sent", async () => {
    await using attack = await openAttack();
    const error = await attack.failureOf(() => attack.repository.headManifest(escape));
    expect(String(error)).not.toContain("\u001b");
    expect(String(error)).not.toContain("\u202e");
  });
});

describe("C38 response headers", () => {
  it.each([
    ["HTTP/1.1", true],
    ["HTTP/2", false],
  ])("over %s are taken below 64 KiB", async (_protocol, plainHttp) => {
    await using attack = await openAttack({ plainHttp, auth: "none" });
    attack.server.script([onManifests({ headers: { "x-large": "x".repeat(50_000) } })]);
    const { descriptor } = attack.image.document;
    expect(await attack.repository.getManifest("v1")).toMatchObject({ descriptor });
  });

  // HTTP/2 has a limit of its own, by frames: https://nghttp2.org/documentation/nghttp2_option_set_max_continuations.html
  it("of more than 64 KiB are a LIMIT_EXCEEDED over HTTP/1.1", async () => {
    await using attack = await openAttack({ plainHttp: true, auth: "none" });
    attack.server.script([onManifests({ headers: { "x-large": "x".repeat(70_000) } })]);
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  it("with escapes forge no line of a log", async () => {
    await using attack = await openAttack({ auth: "none" });
    const headers = { "x-request-id": "1\u0085forged", warning: '299 - "one\u0085two"' };
    attack.server.script([onManifests({ answer: { status: 400, headers } })]);
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(String(error)).not.toContain("\u0085");
  });
});
