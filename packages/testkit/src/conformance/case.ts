import { ownValue, parseObject, type Digest } from "@drayage/oci";
import { expect } from "vitest";
import type { Wire, WireAnswer } from "./wire.ts";

/** One thing that the distribution-spec asks of a registry. */
export interface ConformanceCase {
  readonly title: string;
  run(context: ConformanceContext): Promise<void>;
}

/** What a case is given: a registry, and two repositories in it that nobody else uses. */
export interface ConformanceContext {
  readonly wire: Wire;
  readonly name: string;
  /** Another repository, such as one to mount from. */
  readonly other: string;
  /** A number no other case has, so that content can be unique. */
  readonly seed: number;
}

/** The text of a header that must be there once. */
export function headerOf({ headers }: WireAnswer, name: string): string {
  const value = headers[name];
  expect({ [name]: typeof value }).toEqual({ [name]: "string" });
  return String(value);
}

/** Passes if the answer has this status; if not, its body is shown too. */
export function expectStatus(answer: WireAnswer, status: number): WireAnswer {
  const shown = answer.status === status ? "" : answer.body.subarray(0, 500).toString();
  expect({ status: answer.status, shown }).toEqual({ status, shown: "" });
  return answer;
}

/** Passes if the answer is a refusal of this status whose first reason is this code. */
export function expectRefusal(answer: WireAnswer, status: number, code: string): void {
  expectStatus(answer, status);
  expect(headerOf(answer, "content-type")).toBe("application/json");
  expect(jsonOf(answer.body)).toHaveProperty("errors.0.code", code);
}

/** A body as JSON. */
export function jsonOf(body: Uint8Array): unknown {
  return JSON.parse(Buffer.from(body).toString());
}

/** What an object of JSON has under a key. */
export function fieldOf(json: unknown, key: string): unknown {
  return ownValue(parseObject(json) ?? {}, key);
}

/** The entries that a list of JSON has under a key. */
export function entriesOf(json: unknown, key: string): readonly unknown[] {
  const entries = fieldOf(json, key);
  return Array.isArray(entries) ? entries : [];
}

/** Passes if the content is here, byte for byte, and named by the digest that it was asked for with. */
export async function expectContent(
  wire: Wire,
  target: string,
  {
    digest,
    bytes,
    mediaType,
  }: { readonly digest: Digest; readonly bytes: Uint8Array; readonly mediaType?: string | undefined },
): Promise<void> {
  for (const method of ["HEAD", "GET"]) {
    const answer = expectStatus(await wire(method, target), 200);
    expect(headerOf(answer, "content-length")).toBe(String(bytes.byteLength));
    expect(headerOf(answer, "docker-content-digest")).toBe(digest);
    if (mediaType !== undefined) expect(headerOf(answer, "content-type")).toBe(mediaType);
    const expected = method === "HEAD" ? Buffer.alloc(0) : Buffer.from(bytes);
    expect({ method, isSame: answer.body.equals(expected) }).toEqual({ method, isSame: true });
  }
}

/** The range of an upload, as its end. */
export function endOf(answer: WireAnswer): number {
  const range = headerOf(answer, "range");
  expect(range).toMatch(/^0-[0-9]+$/);
  return Number(range.slice(2));
}

export function blobPath(name: string, digest: string): string {
  return `/v2/${name}/blobs/${digest}`;
}

export function uploadsPath(name: string): string {
  return `/v2/${name}/blobs/uploads/`;
}

export function manifestPath(name: string, reference: string): string {
  return `/v2/${name}/manifests/${reference}`;
}

/** `location` with a query parameter more, whatever it has already. */
export function withQuery(location: string, parameter: string): string {
  return `${location}${location.includes("?") ? "&" : "?"}${parameter}`;
}
