import { createS3Emulator, storageDriverContract } from "@drayage/testkit";
import { optionsFor } from "../fixture/emulated.ts";
import { openS3Driver } from "./driver.ts";

const stores = [
  ["Amazon's", {}],
  ["a store without conditional deletes", { conditionalDelete: "ignored" }],
  ["a store without conditions", { conditionalPut: "refused", conditionalDelete: "refused" }],
  [
    "a store with late aborts, short pages and repeated completions",
    { lateAbort: true, pageSize: 2, repeatedComplete: "answered" },
  ],
] as const;

for (const [name, traits] of stores) {
  storageDriverContract({
    name: `S3, ${name}`,
    async open() {
      const s3 = await createS3Emulator({ traits });
      const open = () => openS3Driver(optionsFor(s3));
      return { driver: await open(), reopen: open, close: () => s3.close() };
    },
  });
}

storageDriverContract({
  name: "S3, a store that wants equal parts",
  async open() {
    const s3 = await createS3Emulator({ traits: { equalParts: true } });
    const open = () => openS3Driver({ ...optionsFor(s3), equalParts: true });
    return { driver: await open(), reopen: open, close: () => s3.close() };
  },
});
