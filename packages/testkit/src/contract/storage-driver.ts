import type { StorageDriver } from "@drayage/oci";
import { afterEach, beforeEach, describe, it } from "vitest";
import { abortCases } from "./storage/abort.ts";
import { blobCases } from "./storage/blob.ts";
import type { StorageCase } from "./storage/case.ts";
import { disposalCases } from "./storage/disposal.ts";
import { documentCases } from "./storage/document.ts";
import { listingCases } from "./storage/listing.ts";
import { uploadCases } from "./storage/upload.ts";

/** A storage driver that the contract is held against. */
export interface StorageDriverSubject {
  readonly name: string;
  /** Called for every case, each time for a storage with nothing in it. */
  open(): Promise<OpenedStorage>;
}

export interface OpenedStorage {
  readonly driver: StorageDriver;
  /** The same storage once more, as another process opens it; to be left out where nothing outlives the process. */
  readonly reopen?: (() => Promise<StorageDriver>) | undefined;
  close?(): Promise<void>;
}

const storageCases: Readonly<Record<string, readonly StorageCase[]>> = {
  documents: documentCases,
  "lists of documents": listingCases,
  blobs: blobCases,
  uploads: uploadCases,
  "disposal of blobs": disposalCases,
  aborting: abortCases,
};

/**
 * Tests that a storage keeps what a registry relies on, one vitest case for each promise of `StorageDriver`.
 *
 * @example
 * storageDriverContract({ name: "memory", open: async () => ({ driver: createMemoryDriver() }) });
 */
export function storageDriverContract(subject: StorageDriverSubject): void {
  describe(`storage driver contract: ${subject.name}`, () => {
    let opened: OpenedStorage | undefined;
    beforeEach(async () => {
      opened = await subject.open();
    });
    afterEach(async () => {
      await opened?.close?.();
      opened = undefined;
    });

    describe.each(Object.entries(storageCases))("%s", (_group, cases) => {
      it.each(cases)("$title", async (each) => {
        if (opened === undefined) throw new Error(`${subject.name} did not open`);
        const { driver, reopen = async () => driver } = opened;
        await each.run({ driver, reopen });
      });
    });
  });
}
