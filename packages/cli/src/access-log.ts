import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import type { ServedRequest } from "@drayage/registry";
import { optionError } from "./option-error.ts";
import type { Printer } from "./print.ts";

/** Where the requests of a server are written down. */
export interface AccessLog {
  write(request: ServedRequest): void;
  /** Resolves when all is written that can be. */
  close(): Promise<void>;
}

/** How much may wait for a disk that is slow, in bytes; lines beyond that are left out. */
const waiting = 4 * 1024 * 1024;

/** A line of JSON for each request, in a file that is appended to, or with `-` among the results. @throws OciError OPTION_INVALID */
export async function openAccessLog(target: string, print: Printer): Promise<AccessLog> {
  return target === "-" ? printedLog(print) : openFileLog(target, print);
}

function printedLog(print: Printer): AccessLog {
  return {
    write(request) {
      const entry = entryOf(request);
      try {
        print.result(entry, JSON.stringify(entry));
      } catch {
        // Nobody reads it any more, and the server serves on.
      }
    },
    close: async () => undefined,
  };
}

async function openFileLog(file: string, print: Printer): Promise<AccessLog> {
  // Readable for a group that may look after logs, and for nobody else.
  const stream = createWriteStream(file, { flags: "a", mode: 0o640 });
  try {
    await once(stream, "open");
  } catch (cause) {
    throw optionError("access-log", `--access-log: cannot write ${file}`, { cause });
  }
  stream.on("error", (error) => print.note(`Requests are not written down any more: ${error.message}`));
  let isBehind = false;
  return {
    write(request) {
      if (!stream.writable) return;
      if (stream.writableLength < waiting) {
        isBehind = false;
        stream.write(`${JSON.stringify(entryOf(request))}\n`);
      } else if (!isBehind) {
        isBehind = true;
        print.note(`Some requests are not written down: ${file} does not take them fast enough.`);
      }
    },
    close: () => ended(stream),
  };
}

async function ended(stream: WriteStream): Promise<void> {
  if (!stream.writable) return;
  await new Promise((resolve) => stream.end(resolve));
}

function entryOf({ id, method, path, status, isComplete, subject, ...request }: ServedRequest) {
  return {
    time: new Date().toISOString(),
    id,
    address: request.address,
    user: subject,
    method,
    path,
    status,
    complete: isComplete,
    received: request.received,
    sent: request.sent,
    milliseconds: Math.round(request.duration * 10) / 10,
    agent: request.userAgent,
  };
}
