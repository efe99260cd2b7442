import type { CopyEvent, CopyPlan } from "@drayage/copy";
import { escapeControls, type Descriptor, type Digest } from "@drayage/oci";
import type { ProgressStream } from "./print.ts";
import { formatSize } from "./size.ts";

export interface ProgressOptions {
  readonly stream: ProgressStream;
  /** The time in milliseconds. */
  readonly now?: (() => number) | undefined;
}

/** What shows how far a copy is. */
export interface Progress {
  readonly add: (event: CopyEvent) => void;
  /** Takes the display away, where there is one. */
  readonly end: () => void;
}

/** How often there is something new to see, in milliseconds. */
const intervals = { live: 100, plain: 5000 } as const;

/** Live lines on a terminal, elsewhere a plain line now and then. */
export function createProgress(plan: CopyPlan, { stream, now = Date.now }: ProgressOptions): Progress {
  const state = createState(plan);
  const isLive = stream.isTTY === true;
  let drawn = 0;
  let last = now();
  const erase = () => {
    if (drawn > 0) stream.write(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
  };
  const draw = () => {
    if (!isLive) {
      stream.write(`${state.summary()}\n`);
      return;
    }
    erase();
    const width = (stream.columns ?? 80) - 1;
    const lines = [...state.underWay(), state.summary()].map((line) => escapeControls(line).slice(0, width));
    stream.write(`${lines.join("\n")}\n`);
    drawn = lines.length;
  };
  return {
    add(event) {
      state.add(event);
      if (now() - last < (isLive ? intervals.live : intervals.plain)) return;
      last = now();
      draw();
    },
    end: erase,
  };
}

interface State {
  add(event: CopyEvent): void;
  summary(): string;
  underWay(): readonly string[];
}

function createState(plan: CopyPlan): State {
  const total = { blobs: plan.blobs.length, bytes: plan.blobs.reduce((sum, { size }) => sum + size, 0) };
  const active = new Map<Digest, { readonly blob: Descriptor; readonly offset: number }>();
  const done = new Map<Digest, number>();
  return {
    add(event) {
      if (event.kind === "manifest-published") return;
      const { blob, kind } = event;
      if (kind === "blob-started") {
        done.delete(blob.digest); // it may be sent once more
        active.set(blob.digest, { blob, offset: 0 });
      }
      if (kind === "blob-bytes") active.set(blob.digest, { blob, offset: event.offset });
      if (kind !== "blob-done") return;
      active.delete(blob.digest);
      done.set(blob.digest, blob.size);
    },
    summary() {
      const offsets = [...done.values(), ...[...active.values()].map(({ offset }) => offset)];
      const passed = offsets.reduce((sum, offset) => sum + offset, 0);
      return `${done.size} of ${total.blobs} blobs, ${formatSize(passed)} of ${formatSize(total.bytes)}`;
    },
    underWay: () =>
      [...active.values()].map(
        ({ blob, offset }) =>
          `${blob.digest.slice(0, 19)}  ${formatSize(offset).padStart(8)} of ${formatSize(blob.size)}`,
      ),
  };
}
