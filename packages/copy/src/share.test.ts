import { digestOf, type PutBlobResult } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { createBlobShare } from "./index.ts";

const digest = digestOf(new Uint8Array([1]));

describe("a blob that several copies want", () => {
  it("is sent once, and mounted where else it is wanted", async () => {
    const share = createBlobShare();
    const mounts: (string | undefined)[] = [];
    const put = (mountFrom?: string): Promise<PutBlobResult> => {
      mounts.push(mountFrom);
      return Promise.resolve(mountFrom === undefined ? "uploaded" : "mounted");
    };
    const results = await Promise.all([
      share.put(digest, { repository: "a", put }),
      share.put(digest, { repository: "b", put }),
      share.put(digest, { repository: "a", put }),
    ]);
    expect(results).toEqual(["uploaded", "mounted", "present"]);
    expect(mounts).toEqual([undefined, "a"]);
  });

  it("is sent by the next when the first has failed", async () => {
    const share = createBlobShare();
    const failing = share.put(digest, { repository: "a", put: () => Promise.reject(new Error("cut")) });
    const waiting = share.put(digest, { repository: "b", put: () => Promise.resolve("uploaded" as const) });
    await expect(failing).rejects.toThrow("cut");
    expect(await waiting).toBe("uploaded");
  });

  it("is not waited for by a copy that is aborted", async () => {
    const share = createBlobShare();
    void share.put(digest, { repository: "a", put: () => new Promise<PutBlobResult>(() => undefined) });
    const abort = new AbortController();
    const put = () => Promise.resolve("uploaded" as const);
    const waiting = share.put(digest, { repository: "b", put, signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});
