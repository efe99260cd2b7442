import { bytesOf } from "@drayage/oci";
import { expect, test } from "vitest";
import { writeBytes } from "./draft.ts";

/** A file that takes as much at a time, and `room` bytes in all. */
function fileOf({ most, room }: { readonly most: number; readonly room: number }) {
  const content = Buffer.alloc(room);
  let taken = 0;
  return {
    content,
    writev: async <Buffers extends readonly NodeJS.ArrayBufferView[]>(
      buffers: Buffers,
      position?: number,
    ) => {
      if (taken === room) throw Object.assign(new Error("no space"), { code: "ENOSPC", syscall: "write" });
      const bytes = Buffer.concat(
        buffers.map((each) => Buffer.from(each.buffer, each.byteOffset, each.byteLength)),
      );
      const bytesWritten = bytes.copy(content, position, 0, Math.min(most, room - taken));
      taken += bytesWritten;
      return { bytesWritten, buffers };
    },
  };
}

async function* chunksOf(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test("what the system takes in small parts arrives in order", async () => {
  const file = fileOf({ most: 4, room: 18 });
  expect(await writeBytes(file, chunksOf("first, ", "second, ", "end"), { at: 0, what: "it" })).toBe(18);
  expect(file.content.toString()).toBe("first, second, end");
});

test("a full disk throws STORAGE_FULL, which names what was written", async () => {
  const written = writeBytes(fileOf({ most: 4, room: 8 }), bytesOf(Buffer.alloc(10)), {
    at: 0,
    what: "this blob",
  });
  const message: unknown = expect.stringContaining("this blob");
  await expect(written).rejects.toMatchObject({ code: "STORAGE_FULL", message });
});
