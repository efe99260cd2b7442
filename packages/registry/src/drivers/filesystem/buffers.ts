/** Memory for bytes on their way to the disk, of which there is only so much. */
export interface Buffers {
  /** The size of each, in bytes. */
  readonly size: number;
  /** One with anything in it, unless all are in use. */
  take(): Uint8Array | undefined;
  giveBack(buffer: Uint8Array): void;
}

/** At most `count` buffers, made when they are first needed; the one that was used last comes first. */
export function createBuffers({ size, count }: { readonly size: number; readonly count: number }): Buffers {
  const free: Uint8Array[] = [];
  let made = 0;
  return {
    size,
    take() {
      const buffer = free.pop();
      if (buffer !== undefined || made === count) return buffer;
      made++;
      return Buffer.allocUnsafeSlow(size);
    },
    giveBack: (buffer) => void free.push(buffer),
  };
}
