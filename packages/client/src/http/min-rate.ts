import { OciError } from "@drayage/oci";
import type { Settings } from "../options.ts";

export type MinRateSettings = Pick<Settings, "minRate" | "now">;

/** Measures how fast one answer comes. */
export interface RateMeter {
  /** From here on its next bytes are waited for; what its reader does before that is not its fault. */
  wait(): void;
  /** @throws OciError TIMEOUT if, averaged over the window, less has come than has to. */
  receive(bytes: number): void;
}

/** A meter that holds an answer against {@link MinRateOptions}. */
export function createRateMeter({ minRate, now }: MinRateSettings): RateMeter {
  let start: number | undefined;
  let waited = 0;
  let received = 0;
  return {
    wait() {
      start ??= now();
    },
    receive(bytes) {
      received += bytes;
      if (start === undefined) return;
      waited += now() - start;
      start = undefined;
      if (waited < minRate.window) return;
      const perSecond = (received * 1000) / waited;
      if (perSecond < minRate.bytes) {
        throw new OciError("TIMEOUT", `the answer comes at ${Math.floor(perSecond)} bytes per second`);
      }
      waited = 0;
      received = 0;
    },
  };
}
