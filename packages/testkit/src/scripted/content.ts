import { randomUUID } from "node:crypto";
import type { Digest } from "@drayage/oci";
import { bytesOfBlob } from "../fixture/blob.ts";
import type { Fixture } from "../fixture/image.ts";

/** A manifest as it was pushed. */
export interface StoredManifest {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** What one repository of a scripted registry has; tests may read and change it. */
export interface ScriptedRepository {
  readonly blobs: Map<string, Uint8Array>;
  readonly manifests: Map<string, StoredManifest>;
  readonly tags: Map<string, string>;
  readonly uploads: Map<string, Uint8Array>;
}

/** Everything a scripted registry has. */
export class ScriptedContent {
  readonly repositories: Map<string, ScriptedRepository> = new Map();

  /** The repository of that name, made if it is not there. */
  repository(name: string): ScriptedRepository {
    const found = this.repositories.get(name);
    if (found !== undefined) return found;
    const made = { blobs: new Map(), manifests: new Map(), tags: new Map(), uploads: new Map() };
    this.repositories.set(name, made);
    return made;
  }

  /** Puts an image and all it needs there without a request. */
  async add(
    name: string,
    fixture: Fixture,
    { tags = [] }: { readonly tags?: readonly string[] } = {},
  ): Promise<Digest> {
    const repository = this.repository(name);
    for (const blob of fixture.blobs) repository.blobs.set(blob.descriptor.digest, await bytesOfBlob(blob));
    for (const manifest of fixture.manifests) await this.add(name, manifest);
    const { descriptor, bytes } = fixture.document;
    repository.manifests.set(descriptor.digest, { type: descriptor.mediaType, bytes });
    for (const tag of tags) repository.tags.set(tag, descriptor.digest);
    return descriptor.digest;
  }

  openUpload(name: string): string {
    const id = randomUUID();
    this.repository(name).uploads.set(id, new Uint8Array());
    return id;
  }
}
