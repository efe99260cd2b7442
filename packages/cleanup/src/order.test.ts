import { digestOf, type Digest } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { parsePolicy, planCleanup } from "./index.ts";

const digestFor = (text: string): Digest => digestOf(new TextEncoder().encode(text));
const tagOf = (text: string): string => `sha256-${digestFor(text).slice("sha256:".length)}.sig`;

describe("the order of a plan", () => {
  it("keeps images before their signatures also where two tags call each other's manifests their subjects", () => {
    const names = ["a", "b", "image", "signature"];
    const plan = planCleanup(
      {
        repository: "team/app",
        complete: true,
        manifests: names.map((name) => ({
          digest: digestFor(name),
          kind: "image",
          pushed: 1_700_000_000_000,
        })),
        tags: [
          { name: "old-a", digest: digestFor("a") },
          { name: tagOf("a"), digest: digestFor("b") },
          { name: tagOf("b"), digest: digestFor("a") },
          { name: "old-image", digest: digestFor("image") },
          { name: tagOf("image"), digest: digestFor("signature") },
        ],
        inUse: [],
        capabilities: { untag: true },
      },
      parsePolicy({ rules: [{ name: "all", delete: { tags: "*" } }], limits: { minKeep: 0 } }),
      { now: 1_800_000_000_000 },
    );
    const steps = plan.operations.map(({ tag, digest }) => tag ?? digest);
    expect(plan.operations).toHaveLength(9);
    const inOrder = ["old-image", digestFor("image"), tagOf("image"), digestFor("signature")];
    expect(steps.filter((step) => inOrder.includes(step))).toEqual(inOrder);
    const waves = plan.operations.map(({ wave }) => wave);
    expect(waves).toEqual(waves.toSorted((a, b) => a - b));
  });
});
