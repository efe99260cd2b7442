import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codeOfErrors, formatErrorBody, parseErrorBody, type FormatErrorOptions } from "./error-body.ts";

function parse(body: string): ReturnType<typeof parseErrorBody> {
  return parseErrorBody(new TextEncoder().encode(body));
}

describe("parseErrorBody: error codes of the distribution-spec", () => {
  test("an array of errors", () => {
    expect(
      parse(
        '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"gone","detail":{"tag":"v1"}},{"code":"DENIED"}]}',
      ),
    ).toEqual({
      errors: [{ code: "MANIFEST_UNKNOWN", message: "gone", detail: { tag: "v1" } }, { code: "DENIED" }],
    });
  });

  test.each([
    ["one error", '{"error":{"code":"DENIED","message":"no"}}', { code: "DENIED", message: "no" }],
    ["a bare error", '{"code":"DENIED","message":"no"}', { code: "DENIED", message: "no" }],
    ["a bare message", '{"message":"no"}', { code: "UNKNOWN", message: "no" }],
    ["errors that is no array", '{"errors":{"code":"DENIED"}}', { code: "DENIED" }],
    ["a text as an error", '{"errors":["no"]}', { code: "UNKNOWN", message: "no" }],
    [
      "a code that is a number",
      '{"errors":[{"code":404,"message":"no"}]}',
      { code: "UNKNOWN", message: "no" },
    ],
    [
      "RFC 6749 §5.2",
      '{"error":"invalid_grant","error_description":"expired"}',
      { code: "invalid_grant", message: "expired" },
    ],
    [
      "a token service",
      '{"details":"incorrect username or password"}',
      { code: "UNKNOWN", message: "incorrect username or password" },
    ],
  ])("%s", (_shape, body, error) => {
    expect(parse(body)).toEqual({ errors: [error] });
  });

  test.each([
    ["", undefined],
    ["<html>Bad Gateway</html>", "<html>Bad Gateway</html>"],
    ["upstream timed out\n", "upstream timed out"],
    ["{}", "{}"],
    ['{"errors":[]}', '{"errors":[]}'],
    ['{"errors":[null,1]}', '{"errors":[null,1]}'],
  ])("%j is no registry's body", (body, text) => {
    expect(parse(body)).toEqual({ errors: [], text });
  });

  test("long bodies, messages and lists are cut (C11)", () => {
    expect(parse("x".repeat(1_000_000)).text).toHaveLength(300);
    expect(parse("\u{1f6a2}".repeat(1000)).text).toHaveLength(300);
    const errors = Array.from({ length: 1000 }, () => ({ code: "DENIED", message: "m".repeat(5000) }));
    const parsed = parse(JSON.stringify({ errors })).errors;
    expect(parsed).toHaveLength(20);
    expect(parsed[0]?.message).toHaveLength(1000);
  });

  test("keys of the prototype are not read (C21)", () => {
    expect(parse('{"__proto__":{"code":"DENIED"}}').errors).toEqual([]);
  });

  test("deep nesting is no registry's body (C22)", () => {
    expect(parse(`{"errors":${"[".repeat(100_000)}`).errors).toEqual([]);
  });
});

describe("codeOfErrors", () => {
  test.each([
    [["MANIFEST_UNKNOWN"], "MANIFEST_UNKNOWN"],
    [["NOT_FOUND", "NAME_UNKNOWN"], "NAME_UNKNOWN"],
    [["UNKNOWN"], "UNKNOWN"],
    [["NOT_FOUND"], undefined],
    [["toString"], undefined],
    [[], undefined],
  ])("%j: %s", (codes, code) => {
    expect(codeOfErrors(codes.map((each) => ({ code: each })))).toBe(code);
  });

  test.each(["URL_REFUSED", "UNTRUSTED_TOKEN_SERVER", "CREDENTIAL_UNAVAILABLE", "STORAGE_INVALID"])(
    "a registry cannot claim %s",
    (code) => {
      expect(codeOfErrors([{ code }])).toBeUndefined();
    },
  );
});

test("formatErrorBody writes what the specification shows", () => {
  expect(formatErrorBody([{ code: "DENIED", message: "no", detail: "x" }, { code: "NAME_UNKNOWN" }])).toBe(
    '{"errors":[{"code":"DENIED","message":"no","detail":"x"},{"code":"NAME_UNKNOWN"}]}',
  );
});

test("errors are read back as they were formatted", () => {
  const error: fc.Arbitrary<FormatErrorOptions> = fc.record({
    code: fc.constantFrom("DENIED", "NAME_UNKNOWN", "SIZE_INVALID"),
    message: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
    detail: fc.oneof(
      fc.string(),
      fc.nat(),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.string()),
      fc.constant(undefined),
    ),
  });
  fc.assert(
    fc.property(fc.array(error, { minLength: 1, maxLength: 20 }), (errors) => {
      expect(JSON.parse(JSON.stringify(parse(formatErrorBody(errors)).errors))).toEqual(
        JSON.parse(JSON.stringify(errors)),
      );
    }),
  );
});

test("no body makes parseErrorBody throw", () => {
  const body = fc.oneof(
    fc.uint8Array(),
    fc.string().map((text) => new TextEncoder().encode(text)),
    fc.json().map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(body, (given) => {
      expect(parseErrorBody(given).errors.length).toBeLessThanOrEqual(20);
    }),
  );
});
