import {
  bytesOf,
  digestOf,
  OciError,
  type Bytes,
  type Repository,
  type DocumentStore,
  type StorageDriver,
} from "@drayage/oci";
import { describe, expect, test } from "vitest";
import { createMemoryDriver } from "../drivers/memory.ts";
import { createRegistry } from "../registry.ts";

const bytes = Buffer.from("0123456789");
const digest = digestOf(bytes);
const minute = 60_000;

/** A source that gives its chunks when it is told to. */
function createSource() {
  const waiting: ((chunk: Uint8Array | undefined) => void)[] = [];
  const started = Promise.withResolvers<void>();
  async function* read(): Bytes {
    for (;;) {
      const chunk = await new Promise<Uint8Array | undefined>((resolve) => {
        waiting.push(resolve);
        started.resolve();
      });
      if (chunk === undefined) return;
      yield chunk;
    }
  }
  const push = async (chunk?: Uint8Array): Promise<void> => {
    await expect.poll(() => waiting.length, { interval: 1 }).toBeGreaterThan(0);
    waiting.shift()?.(chunk);
  };
  /** Gives a chunk and waits until the next is asked for. */
  const feed = async (chunk: Uint8Array): Promise<void> => {
    await push(chunk);
    await expect.poll(() => waiting.length, { interval: 1 }).toBeGreaterThan(0);
  };
  return { bytes: read(), feed, push, started: started.promise };
}

/** Two machines over one storage, with a clock of their own to turn. */
function open(change: Partial<StorageDriver> = {}) {
  const clock = { now: 0 };
  const driver = { ...createMemoryDriver({ now: () => clock.now }), ...change };
  const machine = (): Repository => createRegistry(driver, { now: () => clock.now }).repository("a/b");
  return { clock, one: machine(), two: machine(), driver };
}

describe("an upload", () => {
  test("whose record was lost with the power is unknown, and nothing is left of the record", async () => {
    const { one, driver } = open();
    const { id } = await one.openUpload();
    await driver.documents.put(`uploads/${id}`, new Uint8Array(0));
    await expect(one.openUpload({ id })).rejects.toMatchObject({ code: "BLOB_UPLOAD_UNKNOWN" });
    expect(await driver.documents.head(`uploads/${id}`)).toBeUndefined();
  });

  test("begun at one machine is continued and closed at another", async () => {
    const { one, two } = open();
    const begun = await one.openUpload();
    await begun.append(bytesOf(bytes.subarray(0, 4)));
    const continued = await two.openUpload({ id: begun.id });
    expect(continued.offset).toBe(4);
    await continued.append(bytesOf(bytes.subarray(4)), { at: 4 });
    expect(await begun.commit(digest)).toMatchObject({ digest, size: 10 });
    expect(await two.headBlob(digest)).toMatchObject({ size: 10 });
  });

  test.each(["the same machine", "another machine"])(
    "has one writer at a time: a second one at %s is RANGE_INVALID, and the bytes never mix",
    async (place) => {
      const { one, two } = open();
      const first = await one.openUpload();
      const second = await (place === "the same machine" ? one : two).openUpload({ id: first.id });
      const source = createSource();
      const writing = first.append(source.bytes, { at: 0 });
      await source.started;
      await source.push(bytes.subarray(0, 5));
      for (const intruding of [
        () => second.append(bytesOf(Buffer.from("xxxxx")), { at: 0 }),
        () => second.append(bytesOf(Buffer.from("xxxxx"))),
        () => second.commit(digest),
      ]) {
        await expect(intruding()).rejects.toMatchObject({ code: "RANGE_INVALID" });
      }
      await source.push(bytes.subarray(5));
      await source.push();
      expect(await writing).toBe(10);
      expect(await second.commit(digest)).toMatchObject({ size: 10 });
    },
  );

  test("whose writer died is free again when its claim has run out", async () => {
    const { clock, one, two } = open();
    const dying = await one.openUpload();
    const source = createSource();
    void dying.append(source.bytes).catch(() => undefined);
    await source.started;
    const heir = await two.openUpload({ id: dying.id });
    await expect(heir.append(bytesOf(bytes), { at: 0 })).rejects.toMatchObject({ code: "RANGE_INVALID" });
    clock.now += 2 * minute;
    expect(await heir.append(bytesOf(bytes), { at: 0 })).toBe(10);
    expect(await heir.commit(digest)).toMatchObject({ size: 10 });
  });

  test.each([10 * minute, -10 * minute])(
    "goes from machine to machine whose clocks are %d ms apart",
    async (apart) => {
      const { one, driver } = open();
      const other = createRegistry(driver, { now: () => apart }).repository("a/b");
      const { id } = await one.openUpload();
      for (let at = 0; at < bytes.byteLength; at++) {
        const here = await (at % 2 === 0 ? one : other).openUpload({ id });
        await here.append(bytesOf(bytes.subarray(at, at + 1)), { at });
      }
      const closing = await other.openUpload({ id, digest });
      expect(await closing.commit(digest)).toMatchObject({ digest, size: 10 });
      const repeated = await one.openUpload({ id, digest });
      expect(await repeated.commit(digest)).toMatchObject({ digest, size: 10 });
    },
  );

  test("whose writer was another process is free at once where one process at a time has the storage", async () => {
    const { one, two } = open({ exclusive: true });
    const dying = await one.openUpload();
    const source = createSource();
    void dying.append(source.bytes).catch(() => undefined);
    await source.started;
    const heir = await two.openUpload({ id: dying.id });
    expect(await heir.append(bytesOf(bytes), { at: 0 })).toBe(10);
  });

  test("keeps its writer as long as bytes come, and one that was taken over notices", async () => {
    const { clock, one, two } = open();
    const slow = await one.openUpload();
    const source = createSource();
    const writing = slow.append(source.bytes);
    await source.started;
    clock.now += 1.5 * minute;
    await source.feed(bytes.subarray(0, 1));
    clock.now += 1.5 * minute;
    const other = await two.openUpload({ id: slow.id });
    await expect(other.append(bytesOf(bytes))).rejects.toMatchObject({ code: "RANGE_INVALID" });
    clock.now += minute;
    await other.append(bytesOf(Buffer.alloc(0)));
    await Promise.all([
      expect(writing).rejects.toMatchObject({ code: "RANGE_INVALID" }),
      source.push(bytes.subarray(1, 2)),
    ]);
  });

  test("is one of so many that its user may write to at a time, and has to wait if it is one more (S11)", async () => {
    const registry = createRegistry(createMemoryDriver(), { rules: { uploadsAtOnce: 2 } });
    const [mine, yours] = ["me", "you"].map((owner) => registry.repository("a/b", { owner }));
    const sources = [createSource(), createSource()];
    const writing = sources.map(async (source) => (await mine?.openUpload())?.append(source.bytes));
    await Promise.all(sources.map(({ started }) => started));
    const third = await mine?.openUpload();
    const refused = { code: "TOOMANYREQUESTS", retryAfter: 5000 };
    await expect(third?.append(bytesOf(bytes))).rejects.toMatchObject(refused);
    expect(await (await yours?.openUpload())?.append(bytesOf(bytes))).toBe(10);
    await sources[0]?.push();
    await writing[0];
    expect(await third?.append(bytesOf(bytes), { at: 0 })).toBe(10);
    expect(await third?.commit(digest)).toMatchObject({ digest });
    await sources[1]?.push();
    await writing[1];
  });

  test("that is cancelled under its writer ends it with BLOB_UPLOAD_UNKNOWN", async () => {
    const { one, two } = open();
    const session = await one.openUpload();
    const source = createSource();
    const writing = session.append(source.bytes);
    await source.started;
    await (await two.openUpload({ id: session.id })).cancel();
    await source.push();
    await expect(writing).rejects.toMatchObject({ code: "BLOB_UPLOAD_UNKNOWN" });
  });
});

describe("a commit whose answer was lost", () => {
  const commit = async (repository: Repository) => {
    const session = await repository.openUpload();
    await session.append(bytesOf(bytes));
    await session.commit(digest);
    return session.id;
  };

  test("can be repeated with the same digest, and with the bytes once more", async () => {
    const { one, two } = open();
    const id = await commit(one);
    const repeated = await two.openUpload({ id, digest });
    expect(await repeated.append(bytesOf(bytes), { at: 0 })).toBe(10);
    expect(await repeated.commit(digest)).toMatchObject({ digest, size: 10 });
  });

  test("cannot be repeated with another digest, without one, in another repository, or after an hour", async () => {
    const { clock, driver, one } = open();
    const id = await commit(one);
    const other = createRegistry(driver, { now: () => clock.now }).repository("a/c");
    const unknown = { code: "BLOB_UPLOAD_UNKNOWN" };
    await expect(one.openUpload({ id, digest: digestOf(Buffer.from("x")) })).rejects.toMatchObject(unknown);
    await expect(one.openUpload({ id })).rejects.toMatchObject(unknown);
    await expect(other.openUpload({ id, digest })).rejects.toMatchObject(unknown);
    clock.now += 60 * minute;
    await expect(one.openUpload({ id, digest })).rejects.toMatchObject(unknown);
  });

  test("finds the blob that was stored before the process died, though nothing links to it yet", async () => {
    const driver = createMemoryDriver();
    const dying: DocumentStore = {
      ...driver.documents,
      async put(key, ...rest) {
        if (key.startsWith("holders/")) throw new Error("killed");
        return driver.documents.put(key, ...rest);
      },
    };
    const one = createRegistry({ ...driver, documents: dying }).repository("a/b");
    const two = createRegistry(driver).repository("a/b");
    const session = await one.openUpload();
    await session.append(bytesOf(bytes));
    await expect(session.commit(digest)).rejects.toThrow("killed");
    expect(await one.headBlob(digest)).toBeUndefined();
    const retried = await two.openUpload({ id: session.id, digest });
    expect(await retried.commit(digest)).toMatchObject({ size: 10 });
    expect(await one.headBlob(digest)).toMatchObject({ size: 10 });
  });
});

describe("an upload without its bytes", () => {
  const secret = Buffer.from("secret");
  const theirs = digestOf(secret);
  const unknown = { code: "BLOB_UPLOAD_UNKNOWN" };

  /** A storage with a blob of somebody else, where something happens after each abort of an upload. */
  async function openShared() {
    const driver = createMemoryDriver();
    const after = { abort: async (): Promise<unknown> => undefined };
    const abort = async (token: string): Promise<void> => {
      await driver.blobs.abort(token);
      await after.abort();
    };
    const registry = createRegistry({ ...driver, blobs: { ...driver.blobs, abort } });
    const descriptor = { mediaType: "application/octet-stream", digest: theirs, size: secret.byteLength };
    await registry.repository("theirs").putBlob(descriptor, async () => bytesOf(secret));
    return { repository: registry.repository("ours"), driver, after };
  }

  test("since it is being cancelled does not become a blob of another repository (S2)", async () => {
    const { repository, after } = await openShared();
    const session = await repository.openUpload();
    const other = await repository.openUpload({ id: session.id });
    after.abort = () => expect(other.commit(theirs)).rejects.toMatchObject(unknown);
    await session.cancel();
    expect(await repository.headBlob(theirs)).toBeUndefined();
  });

  test("since it is cancelled under a second commit does not become a blob of another repository (S2)", async () => {
    const { repository, driver } = await openShared();
    const dying: StorageDriver = {
      ...driver,
      blobs: {
        ...driver.blobs,
        commit: async () => {
          throw new Error("killed");
        },
      },
    };
    const session = await repository.openUpload();
    const first = await createRegistry(dying).repository("ours").openUpload({ id: session.id });
    await expect(first.commit(theirs)).rejects.toThrow("killed");
    const cancelling: StorageDriver = {
      ...driver,
      blobs: {
        ...driver.blobs,
        async commit(...call) {
          await session.cancel();
          return driver.blobs.commit(...call);
        },
      },
    };
    const second = await createRegistry(cancelling).repository("ours").openUpload({ id: session.id });
    await expect(second.commit(theirs)).rejects.toMatchObject(unknown);
    expect(await repository.headBlob(theirs)).toBeUndefined();
  });

  test("since it was published when the process died becomes nothing but that blob (S2)", async () => {
    const { repository, driver } = await openShared();
    const documents: DocumentStore = {
      ...driver.documents,
      async put(key, ...rest) {
        if (key.startsWith("holders/")) throw new Error("killed");
        return driver.documents.put(key, ...rest);
      },
    };
    const dying = await createRegistry({ ...driver, documents })
      .repository("ours")
      .openUpload();
    await dying.append(bytesOf(bytes));
    await expect(dying.commit(digest)).rejects.toThrow("killed");
    const session = await repository.openUpload({ id: dying.id });
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(session.commit(theirs)).rejects.toMatchObject(unknown);
    }
    expect(await repository.headBlob(theirs)).toBeUndefined();
  });
});

describe("a full disk", () => {
  const full = async (): Promise<never> => {
    throw new OciError("STORAGE_FULL", "there is no room left");
  };
  const counted = () => {
    const driver = createMemoryDriver();
    const tokens: string[] = [];
    const begin: StorageDriver["blobs"]["begin"] = async (upload) => {
      tokens.push(await driver.blobs.begin(upload));
      return tokens.at(-1) ?? "";
    };
    return { driver: { ...driver, blobs: { ...driver.blobs, begin } }, tokens };
  };
  const left = ({ blobs }: StorageDriver, tokens: readonly string[]) =>
    Promise.all(tokens.map((token) => blobs.offset(token)));

  test("keeps no upload from being cancelled, which makes room", async () => {
    const { driver, tokens } = counted();
    const { id } = await createRegistry(driver).repository("a/b").openUpload();
    const documents = { ...driver.documents, put: full };
    const session = await createRegistry({ ...driver, documents })
      .repository("a/b")
      .openUpload({ id });
    await session.cancel();
    expect(await left(driver, tokens)).toEqual([undefined]);
    await expect(session.status()).rejects.toMatchObject({ code: "BLOB_UPLOAD_UNKNOWN" });
  });

  test("leaves nothing of an upload that could not be begun", async () => {
    const { driver, tokens } = counted();
    const documents = { ...driver.documents, put: full };
    const repository = createRegistry({ ...driver, documents }).repository("a/b");
    await expect(repository.openUpload()).rejects.toMatchObject({ code: "STORAGE_FULL" });
    expect(await left(driver, tokens)).toEqual([undefined]);
  });

  test("leaves nothing of a blob that could not be published", async () => {
    const { driver, tokens } = counted();
    const repository = createRegistry({ ...driver, blobs: { ...driver.blobs, commit: full } }).repository(
      "a/b",
    );
    const descriptor = { mediaType: "application/octet-stream", digest, size: bytes.byteLength };
    const put = repository.putBlob(descriptor, async () => bytesOf(bytes));
    await expect(put).rejects.toMatchObject({ code: "STORAGE_FULL" });
    expect(await left(driver, tokens)).toEqual([undefined]);
  });
});
