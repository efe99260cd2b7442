import { describe, expect, it } from "vitest";
import { profileOf, profiles } from "./index.ts";

describe("profileOf", () => {
  it.each([
    ["docker.io", "Docker Hub"],
    ["ghcr.io", "GHCR"],
    ["123456789012.dkr.ecr.eu-central-1.amazonaws.com", "Amazon ECR"],
    ["123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "Amazon ECR"],
    ["public.ecr.aws", "Amazon ECR Public"],
    ["eu.gcr.io", "Google Container Registry"],
    ["europe-docker.pkg.dev", "Google Artifact Registry"],
    ["x.azurecr.io", "Azure Container Registry"],
    ["quay.io", "Quay"],
    ["registry.gitlab.com", "GitLab"],
    ["me.jfrog.io", "Artifactory"],
    ["ghcr.io:443", "GHCR"],
  ])("%s is %s", (host, name) => {
    expect(profileOf(host).quirks.name).toBe(name);
  });

  it.each([
    "x.azurecr.io.evil.com",
    "evilghcr.io",
    "a.b.azurecr.io",
    ".azurecr.io",
    "registry.example",
    "localhost:5000",
  ])("C27 %s is none of them", (host) => {
    expect(profileOf(host).quirks.name).toBe("standard");
  });
});

it("every registry has a name of its own", () => {
  const names = Object.values(profiles).map(({ quirks }) => quirks.name);
  expect(new Set(names).size).toBe(names.length);
});
