import { createMeter, type CopyEvent, type CopyPlan, type CopyProgress, type Pace } from "@drayage/copy";
import { escapeControls } from "@drayage/oci";
import { formatDuration } from "./duration.ts";
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
  const meter = createMeter(plan, { now });
  const show = stream.isTTY === true ? liveDisplay(stream) : plainDisplay(stream);
  let last = now();
  const update = (): void => {
    if (now() - last < show.interval) return;
    last = now();
    show.draw(linesOf(meter.read()));
  };
  // When nothing moves, that is worth seeing too.
  const timer = setInterval(update, show.interval).unref();
  return {
    add(event) {
      meter.add(event);
      update();
    },
    end() {
      clearInterval(timer);
      show.erase();
    },
  };
}

/** What is shown of a moment. */
interface Lines {
  readonly summary: string;
  readonly blobs: readonly string[];
}

interface Display {
  /** In milliseconds. */
  readonly interval: number;
  draw(lines: Lines): void;
  erase(): void;
}

function plainDisplay(stream: ProgressStream): Display {
  return {
    interval: intervals.plain,
    draw: ({ summary }) => void stream.write(`${summary}\n`),
    erase: () => undefined,
  };
}

function liveDisplay(stream: ProgressStream): Display {
  let drawn = 0;
  const erase = (): void => {
    if (drawn > 0) stream.write(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
  };
  return {
    interval: intervals.live,
    erase,
    draw({ summary, blobs }) {
      erase();
      const { columns = 80, rows = 24 } = stream;
      // More lines than there are could not be taken away again.
      const seen = blobs.slice(0, Math.max(rows - 2, 0));
      const lines = [...seen, summary].map((line) => escapeControls(line).slice(0, columns - 1));
      stream.write(`${lines.join("\n")}\n`);
      drawn = lines.length;
    },
  };
}

function linesOf({ blobs, bytes, underWay, ...pace }: CopyProgress): Lines {
  const passed = `${formatSize(bytes.done)} of ${formatSize(bytes.total)}`;
  return {
    summary: [`${blobs.done} of ${blobs.total} blobs`, passed, ...paceOf(pace)].join(", "),
    blobs: underWay.map(({ blob, bytes: offset, ...own }) => {
      const of = `${formatSize(offset).padStart(8)} of ${formatSize(blob.size)}`;
      return [`${blob.digest.slice(0, 19)}  ${of}`, ...paceOf(own)].join(", ");
    }),
  };
}

function paceOf({ rate, remaining }: Pace): readonly string[] {
  return [
    ...(rate === undefined ? [] : [`${formatSize(Math.round(rate))}/s`]),
    ...(remaining === undefined ? [] : [`${formatDuration(remaining)} left`]),
  ];
}
