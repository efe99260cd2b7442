import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  atSide,
  escapeControls,
  isOciError,
  isOciErrorCode,
  OciError,
  statusOfCode,
  type OciErrorCode,
} from "./errors.ts";

/** The statuses that distribution-spec, "Endpoints" and "Error Codes", and RFC 9110 give to the codes. */
const statuses: readonly (readonly [OciErrorCode, number])[] = [
  ["BLOB_UNKNOWN", 404],
  ["BLOB_UPLOAD_INVALID", 400],
  ["BLOB_UPLOAD_UNKNOWN", 404],
  ["DIGEST_INVALID", 400],
  ["MANIFEST_BLOB_UNKNOWN", 400],
  ["MANIFEST_INVALID", 400],
  ["MANIFEST_UNKNOWN", 404],
  ["NAME_INVALID", 400],
  ["NAME_UNKNOWN", 404],
  ["SIZE_INVALID", 400],
  ["UNAUTHORIZED", 401],
  ["DENIED", 403],
  ["UNSUPPORTED", 405],
  ["TOOMANYREQUESTS", 429],
  ["NOT_MODIFIED", 304],
  ["PRECONDITION_FAILED", 412],
  ["RANGE_INVALID", 416],
  ["UNAVAILABLE", 503],
];

describe("statusOfCode", () => {
  it.each(statuses)("of %s is %i", (code, status) => {
    expect(statusOfCode(code)).toBe(status);
  });

  it("is 500 for a code that is nobody else's business", () => {
    expect(statusOfCode("ADDRESS_REFUSED")).toBe(500);
  });
});

describe("OciError", () => {
  it("prints nothing that is not known", () => {
    const printed = inspect(new OciError("DENIED", "no", { status: 403 }));
    expect(printed).toMatch(/code: 'DENIED',\s+retryable: false,\s+status: 403\s+\}/);
    expect(printed).not.toContain("undefined");
  });

  it("keeps its code, its cause and what is known of the request", () => {
    const cause = new Error("below");
    const error = new OciError("DENIED", "no", { cause, status: 403, url: "https://a/v2/", attempt: 2 });
    expect(error).toMatchObject({
      name: "OciError",
      code: "DENIED",
      message: "no",
      cause,
      status: 403,
      attempt: 2,
    });
    expect(error).toBeInstanceOf(Error);
  });

  it.each([
    ["TOOMANYREQUESTS", true],
    ["UNAVAILABLE", true],
    ["CONNECTION_FAILED", true],
    ["TIMEOUT", true],
    ["MANIFEST_UNKNOWN", false],
    ["DENIED", false],
    ["UNTRUSTED_TOKEN_SERVER", false],
  ] as const)("%s can be retried: %s", (code, retryable) => {
    expect(new OciError(code, "x").retryable).toBe(retryable);
  });

  it("is as retryable as the answer said, whatever the table says", () => {
    expect(new OciError("TOOMANYREQUESTS", "x", { retryable: false }).retryable).toBe(false);
    expect(new OciError("DENIED", "x", { retryable: true }).retryable).toBe(true);
  });

  it("escapes what could command a terminal in its message", () => {
    expect(new OciError("DENIED", "\u001b[2Jgone\r\n").message).toBe("\\u001b[2Jgone\\u000d\\u000a");
  });
});

describe("isOciError", () => {
  it("holds for any of the codes, and for every OciError without codes", () => {
    const error: unknown = new OciError("BLOB_UNKNOWN", "x");
    expect(isOciError(error)).toBe(true);
    expect(isOciError(error, "NAME_UNKNOWN", "BLOB_UNKNOWN")).toBe(true);
    expect(isOciError(error, "NAME_UNKNOWN")).toBe(false);
  });

  it("holds for an error of another copy of the package", () => {
    class OtherCopy extends Error {
      override readonly name = "OciError";
      readonly code = "BLOB_UNKNOWN";
    }
    expect(isOciError(new OtherCopy(), "BLOB_UNKNOWN")).toBe(true);
  });

  it.each([
    undefined,
    null,
    "BLOB_UNKNOWN",
    new Error("BLOB_UNKNOWN"),
    Object.assign(new Error("x"), { code: "BLOB_UNKNOWN" }),
    { name: "OciError", code: "BLOB_UNKNOWN" },
  ])("does not hold for %o", (value) => {
    expect(isOciError(value)).toBe(false);
  });
});

describe("isOciErrorCode", () => {
  it.each([
    ["MANIFEST_UNKNOWN", true],
    ["STORAGE_FULL", true],
    ["manifest_unknown", false],
    ["SOMETHING_NEW", false],
    ["constructor", false],
    ["__proto__", false],
  ])("of %s is %s", (text, expected) => {
    expect(isOciErrorCode(text)).toBe(expected);
  });
});

describe("atSide", () => {
  it("adds the side and keeps everything else", () => {
    const known = {
      status: 404,
      method: "GET",
      url: "https://a/",
      attempt: 3,
      registryErrors: [{ code: "NAME_UNKNOWN", message: "no such repository" }],
      requestId: "r",
      retryAfter: 5,
      hint: "h",
    };
    const error = new OciError("NAME_UNKNOWN", "not there", { ...known, detail: { a: 1 }, retryable: true });
    const sided = atSide(error, "source");
    expect(sided).toMatchObject({
      ...known,
      code: "NAME_UNKNOWN",
      detail: { a: 1 },
      retryable: true,
      side: "source",
    });
    expect(sided).toMatchObject({ message: "source: not there", cause: error });
  });

  it("keeps the side that an error has already", () => {
    const error = new OciError("NAME_UNKNOWN", "x", { side: "target" });
    expect(atSide(error, "source")).toBe(error);
  });

  it("leaves alone what is not ours, an abort's reason among it", () => {
    const reason = new Error("changed my mind");
    expect(atSide(reason, "source")).toBe(reason);
  });
});

describe("escapeControls", () => {
  it.each([
    ["plain text, ünïcode 漢字 🙂", "plain text, ünïcode 漢字 🙂"],
    ["a\tb\nc\u0000", "a\\u0009b\\u000ac\\u0000"],
    ["\u007f\u009b31m", "\\u007f\\u009b31m"],
    ["\u202eevil\u2066\u2069\u200f", "\\u202eevil\\u2066\\u2069\\u200f"],
    ["line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"],
  ])("makes %j visible", (text, escaped) => {
    expect(escapeControls(text)).toBe(escaped);
  });
});
