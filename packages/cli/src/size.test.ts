import { expect, it } from "vitest";
import { formatSize } from "./size.ts";

it.each([
  [0, "0 B"],
  [1, "1 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [1_536_000, "1.5 MB"],
  [999_999, "1.0 MB"],
  [4_200_000_000, "4.2 GB"],
  [7e15, "7000.0 TB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});
