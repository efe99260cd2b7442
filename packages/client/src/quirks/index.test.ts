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
    ["123456789012.dkr-ecr.us-east-1.on.aws", "Amazon ECR"],
    ["ecr-public.aws.com", "Amazon ECR Public"],
    ["docker.europe-west1.rep.pkg.dev", "Google Artifact Registry"],
    ["x.westeurope.geo.azurecr.io", "Azure Container Registry"],
    ["x.chinaeast2.geo.azurecr.cn", "Azure Container Registry"],
    ["x.usgovvirginia.geo.azurecr.us", "Azure Container Registry"],
    ["x.azurecr.de", "Azure Container Registry"],
    ["123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "Amazon ECR"],
    ["123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "Amazon ECR"],
    ["123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "Amazon ECR"],
    ["123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "Amazon ECR"],
    ["codeberg.org", "Gitea, Forgejo"],
    ["registry.access.redhat.com", "Red Hat"],
  ])("%s is %s", (host, name) => {
    expect(profileOf(host).quirks.name).toBe(name);
  });

  it.each([
    "x.azurecr.io.evil.com",
    "123456789012.dkr.ecr.us-iso-east-1.evil.ic.gov",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com.fake.example.com",
    "public.ecr.aws.fake.example.com",
    "registry.redhat.io.evil.com",
    "evilcodeberg.org",
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
