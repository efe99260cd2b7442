import { once } from "node:events";
import type { Writable } from "node:stream";
import { styleText } from "node:util";
import { escapeControls, isOciError, OciError, type Bytes, type CallOptions } from "@drayage/oci";

/** Where output goes, and what it looks like. */
export interface PrintOptions {
  readonly stdout: Writable & { readonly isTTY?: boolean | undefined };
  readonly stderr: ProgressStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Whether what happens is shown on stderr, in place of progress. */
  readonly trace: boolean;
}

/** Where progress is shown. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
  on?(event: "error", listener: () => void): unknown;
}

/** The only way to the terminal: whatever a registry says arrives there with its control characters visible. */
export interface Printer {
  /** Whether somebody is looking at the results. */
  readonly isTerminal: boolean;
  /** One result: its text, or with `--json` the value on a line of its own. */
  result(value: unknown, text: string | readonly string[]): void;
  /** Bytes as they are, for a file or another program, no faster than these take them. */
  bytes(content: Bytes, options: CallOptions): Promise<void>;
  /** A message beside the results, not with `--quiet`. */
  note(text: string): void;
  /** Something that happened, as text or as a line of JSON; with `--trace` only. */
  event(value: unknown, text: string): void;
  /** What `work` resolves to; meanwhile it may show on stderr how far it is, but not with `--quiet`, `--json` or `--trace`. */
  during<Result, Shown extends { end(): void }>(
    show: (stream: ProgressStream) => Shown,
    work: (shown: Shown | undefined) => Promise<Result>,
  ): Promise<Result>;
  error(error: unknown): void;
  /** Resolves when the results have been taken. @throws OutputClosed, OciError UNAVAILABLE where they could not be written */
  flush(): Promise<void>;
}

/** What is thrown when nobody reads our output any more, as behind `| head`; not a failure. */
export class OutputClosed extends Error {
  override readonly name: string = "OutputClosed";
}

/** A printer; it listens to errors of both streams from now on. */
export function createPrinter(options: PrintOptions): Printer {
  const { stdout, stderr, env, json, quiet, trace } = options;
  let failure: Error | undefined;
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    failure ??= outputFailure(error);
  });
  // There is nobody left to tell, and the work goes on.
  stderr.on?.("error", () => undefined);
  const write = (content: string | Uint8Array): boolean => {
    if (failure !== undefined) throw failure;
    return stdout.write(content);
  };
  const hasColor = stderr.isTTY === true && (env["NO_COLOR"] ?? "") === "";
  const red = (text: string) => (hasColor ? styleText("red", text, { validateStream: false }) : text);
  return {
    isTerminal: stdout.isTTY === true,
    result(value, text) {
      const lines = typeof text === "string" ? [text] : text;
      for (const line of json ? [JSON.stringify(value)] : lines) write(`${escapeControls(line)}\n`);
    },
    async bytes(content, { signal }) {
      for await (const chunk of content) {
        if (!write(chunk)) await drained(stdout, { signal });
      }
    },
    note(text) {
      if (!quiet) stderr.write(`${escapeControls(text)}\n`);
    },
    event(value, text) {
      if (trace) stderr.write(`${escapeControls(json ? JSON.stringify(value) : text)}\n`);
    },
    async during(show, work) {
      const shown = quiet || json || trace ? undefined : show(stderr);
      try {
        return await work(shown);
      } finally {
        shown?.end();
      }
    },
    async flush() {
      if (failure === undefined) await new Promise((resolve) => stdout.write("", resolve));
      if (failure !== undefined) throw failure;
    },
    error(error) {
      if (json) stderr.write(`${escapeControls(JSON.stringify({ error: errorToJson(error) }))}\n`);
      else stderr.write(`${red("drayage:")} ${errorLines(error).map(escapeControls).join("\n")}\n`);
    },
  };
}

/** Resolves when `stream` takes more, or never will: whoever writes next is told why. */
async function drained(stream: Writable, { signal }: CallOptions): Promise<void> {
  if (!stream.writableNeedDrain) return;
  await once(stream, "drain", signal === undefined ? {} : { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}

function outputFailure(cause: NodeJS.ErrnoException): Error {
  if (cause.code === "EPIPE") return new OutputClosed("stdout is closed");
  return new OciError("UNAVAILABLE", `cannot write the results: ${cause.code ?? cause.message}`, { cause });
}

/** Why there is no credential, in the words of the SDK or system that was asked, which providers make safe to show. */
export function reasonOf(error: OciError): string | undefined {
  const { code, cause } = error;
  return code === "CREDENTIAL_UNAVAILABLE" && cause instanceof Error
    ? `${cause.name}: ${cause.message}`
    : undefined;
}

function errorLines(error: unknown): readonly string[] {
  if (!isOciError(error)) return [`unexpected error: ${String(error)}`];
  const { message, code, hint } = error;
  const more = [reasonOf(error), hint].filter((text) => text !== undefined);
  return [`${message} (${code})`, ...more.map((text) => `  ${text}`)];
}

function errorToJson(error: unknown): Readonly<Record<string, unknown>> {
  if (!isOciError(error)) return { code: "UNKNOWN", message: String(error) };
  const { code, message, side, status, method, url, attempt, requestId, detail, hint } = error;
  const reason = reasonOf(error);
  return { code, message, reason, side, status, method, url, attempt, requestId, detail, hint };
}
