import { digestOf, MemoryRegistry, type PutBlobResult } from "@drayage/oci";
import { createImage, pushImage } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { copy, createBlobShare, createScheduler, type CopyEvent } from "./index.ts";

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

describe("copies that share their scheduler and their blobs", () => {
  it("have no more under way together than one, send each blob once, and none waits for ever", async () => {
    const [source, target] = [new MemoryRegistry(), new MemoryRegistry()];
    // Layers without a seed of their own are in every image.
    const names = ["a", "b", "c", "d"];
    for (const [seed, name] of names.entries()) {
      const image = createImage({ layers: [{ size: 2_000_000 }, { size: 3000, seed: 100 + seed }] });
      await pushImage(source.repository(name), image, { tags: ["v1"] });
    }
    const [scheduler, share] = [createScheduler({ concurrency: 1 }), createBlobShare()];
    const sent: CopyEvent[] = [];
    let underWay = 0;
    let most = 0;
    const onProgress = (event: CopyEvent): void => {
      if (event.kind === "blob-started") most = Math.max(most, ++underWay);
      if (event.kind !== "blob-done") return;
      underWay--;
      if (event.result === "uploaded") sent.push(event);
    };
    const results = await Promise.all(
      names.map((name) =>
        copy(
          { repository: source.repository(name), at: "v1" },
          { repository: target.repository(name), tags: ["v1"] },
          { scheduler, share, onProgress },
        ),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(names.map(() => "copied"));
    expect(most).toBe(1);
    const digests = sent.flatMap((event) => (event.kind === "blob-done" ? event.blob.digest : []));
    expect(new Set(digests).size).toBe(digests.length);
  });
});
