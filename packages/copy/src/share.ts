import { abortable, type CallOptions, type Digest, type PutBlobResult } from "@drayage/oci";

export interface SharedPutOptions extends CallOptions {
  /** The repository that shall have the blob. */
  readonly repository: string;
  /** Puts the blob there, mounted from another repository if that has it. */
  readonly put: (mountFrom?: string) => Promise<PutBlobResult>;
}

/** What several copies to one registry know together: who has sent which blob, and who is about to. */
export interface BlobShare {
  /** Makes `repository` have the blob; of several that want it at once one sends it and the others wait. */
  put(digest: Digest, options: SharedPutOptions): Promise<PutBlobResult>;
}

/**
 * Lets copies to the same registry send each blob once.
 *
 * @example
 * const share = createBlobShare();
 * await Promise.all(images.map(({ from, to }) => copy(from, to, { share })));
 */
export function createBlobShare(): BlobShare {
  /** The repository that has the blob, or gets it; `undefined` if that has failed. */
  const holders = new Map<Digest, Promise<string | undefined>>();

  const send = (digest: Digest, { repository, put }: SharedPutOptions): Promise<PutBlobResult> => {
    const sending = put();
    holders.set(
      digest,
      sending.then(
        () => repository,
        () => void holders.delete(digest),
      ),
    );
    return sending;
  };

  return {
    async put(digest, options) {
      for (let holding = holders.get(digest); holding !== undefined; holding = holders.get(digest)) {
        const holder = await abortable(holding, options.signal);
        if (holder === options.repository) return "present";
        if (holder !== undefined) return options.put(holder);
      }
      return send(digest, options);
    },
  };
}
