import { randomUUID } from "node:crypto";

/*
 * Every key below the prefix of a registry.
 *
 * An object in `data/` is what a blob reads from. It is made in a commit and by no one else: giving up an upload
 * removes what is in `parts/` and multipart uploads, so that it can never take a blob away, whenever it happens.
 */

/** The documents of the registry. */
export const documentsFolder = "documents/";

/** A document for each blob, which says in which object its bytes are. */
export const pointersFolder = "blobs/";

/** Pointers to what readers shall not see any more. */
export const quarantineFolder = "quarantine/";

/** Where the data of all blobs is, each named like the upload that it has been. */
export const dataFolder = "data/";

/** The object that a multipart upload becomes. */
export function dataKey(id: string): string {
  return dataFolder + id;
}

/** An object for bytes that are put at once. */
export function newDataKey(): string {
  return dataKey(randomUUID());
}

/** What uploads need besides, each in a folder of its own. */
export const allPartsFolder = "parts/";

export function partsFolder(id: string): string {
  return `${allPartsFolder}${id}/`;
}

/** An object for the rest of an upload, which no other append of the same upload writes. */
export function newRestKey(id: string): string {
  return partsFolder(id) + randomUUID();
}
