import { digestOf, OciError, type OciErrorCode } from "@drayage/oci";
import { describe, expect, test } from "vitest";
import { createOciDeleter } from "./oci.ts";

const digest = digestOf(new Uint8Array());

function failing(code: OciErrorCode, registryCode = code as string) {
  const error = new OciError(code, "in our words", {
    registryErrors: [{ code: registryCode, message: "in its own words" }],
  });
  const fail = () => Promise.reject(error);
  return createOciDeleter(
    { deleteManifest: fail, deleteTag: fail },
    { refusals: new Map([["STILL_TAGGED", "tagged"]]) },
  );
}

describe("deleting by the protocol", () => {
  test("answers what the repository answers", async () => {
    const asked: unknown[] = [];
    const deleter = createOciDeleter({
      deleteManifest: async (...call) => (asked.push(call), "absent"),
      deleteTag: async (...call) => (asked.push(call), "deleted"),
    });
    expect(deleter.untagging).toBe("always");
    expect(await deleter.deleteTag("v1", { ifMatch: digest })).toBe("deleted");
    expect(await deleter.deleteManifest(digest)).toBe("absent");
    expect(asked).toEqual([
      ["v1", { ifMatch: digest }],
      [digest, {}],
    ]);
  });

  test.each([
    ["UNSUPPORTED", "UNSUPPORTED", "unsupported"],
    ["DENIED", "DENIED", "denied"],
    ["UNKNOWN", "STILL_TAGGED", "tagged"],
    ["DENIED", "STILL_TAGGED", "tagged"],
  ] as const)("%s with %s is a refusal: %s", async (code, registryCode, refused) => {
    const deleter = failing(code, registryCode);
    const refusal = { refused, message: "in its own words" };
    expect(await deleter.deleteManifest(digest)).toEqual(refusal);
    expect(await deleter.deleteTag("v1", { ifMatch: digest })).toEqual(refusal);
  });

  test.each(["UNAUTHORIZED", "TOOMANYREQUESTS", "UNAVAILABLE", "PRECONDITION_FAILED", "UNKNOWN"] as const)(
    "%s is none",
    async (code) => {
      await expect(failing(code).deleteManifest(digest)).rejects.toMatchObject({ code });
    },
  );
});

test("where only digests are deleted, it says so", () => {
  const never = () => Promise.reject(new Error("not to be asked"));
  const deleter = createOciDeleter({ deleteManifest: never, deleteTag: never }, { untagging: "never" });
  expect(deleter.untagging).toBe("never");
});
