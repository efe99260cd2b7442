import { startProgram } from "./program.ts";
import type { BucketPlace } from "./s3-process.ts";

const overDirectory = new URL("../../packages/registry/fixture/server.ts", import.meta.url);
const overBucket = new URL("serve-bucket.ts", import.meta.url);

/** A registry in a process of its own. */
export interface RegistryProcess {
  readonly url: string;
  readonly kill: () => Promise<void>;
}

export async function startRegistry(directory: string): Promise<RegistryProcess> {
  const { line, kill } = await startProgram(overDirectory, [directory]);
  return { url: line, kill };
}

/** @param ahead by how many milliseconds its clock is fast */
export async function startRegistryOverBucket(place: BucketPlace, ahead: number): Promise<RegistryProcess> {
  const { line, kill } = await startProgram(overBucket, [JSON.stringify(place), String(ahead)]);
  return { url: line, kill };
}
