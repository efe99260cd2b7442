import type { StoredDocument } from "@drayage/oci";
import { expect, test } from "vitest";
import { createRecentDocuments } from "./recent.ts";

function documentOf(text: string): StoredDocument {
  return { bytes: Buffer.from(text), etag: text, modified: 1 };
}

test("a document is remembered until it is forgotten", () => {
  const recent = createRecentDocuments();
  recent.stored("a", documentOf("x"));
  expect(recent.get("a")).toEqual(documentOf("x"));
  recent.forget("a");
  expect(recent.get("a")).toBeUndefined();
});

test("nobody changes what is remembered", () => {
  const recent = createRecentDocuments();
  const bytes = Buffer.from("x");
  recent.stored("a", { bytes, etag: "x", modified: 1 });
  bytes.fill("y");
  recent.get("a")?.bytes.fill(0);
  expect(recent.get("a")).toEqual(documentOf("x"));
});

test("the document that was stored longest ago goes first", () => {
  const recent = createRecentDocuments({ limit: 2 });
  for (const path of ["a", "b", "a", "c"]) recent.stored(path, documentOf(path));
  expect([recent.get("a")?.etag, recent.get("b"), recent.get("c")?.etag]).toEqual(["a", undefined, "c"]);
});

test("a large document is not remembered, nor the one that it replaces", () => {
  const recent = createRecentDocuments();
  recent.stored("a", documentOf("x"));
  recent.stored("a", documentOf("x".repeat(1025)));
  expect(recent.get("a")).toBeUndefined();
});
