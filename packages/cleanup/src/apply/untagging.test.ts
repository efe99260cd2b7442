import { MemoryRegistry, OciError, type OciErrorCode } from "@drayage/oci";
import { createImage, pushImage } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { findUntagging } from "../index.ts";

describe("whether tags can be removed alone", () => {
  it("is found out without removing any", async () => {
    const repository = new MemoryRegistry().repository("team/app");
    await pushImage(repository, createImage(), { tags: ["v1"] });
    expect(await findUntagging(repository)).toBe("always");
    expect(await repository.headManifest("v1")).toBeDefined();
  });

  it.each<readonly [OciErrorCode, string | undefined]>([
    ["UNSUPPORTED", "never"],
    ["DENIED", undefined],
    ["UNAUTHORIZED", undefined],
  ])("is told by %s as %s", async (code, expected) => {
    const deleteTag = () => Promise.reject(new OciError(code, "no"));
    expect(await findUntagging({ deleteTag })).toBe(expected);
  });

  it("is not known where the registry could not be asked", async () => {
    const deleteTag = () => Promise.reject(new OciError("UNAVAILABLE", "down"));
    await expect(findUntagging({ deleteTag })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
