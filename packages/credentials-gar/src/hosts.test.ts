import { describe, expect, test } from "vitest";
import { isGoogleHost } from "./hosts.ts";

describe("Google registry hosts", () => {
  test.each([
    "us-docker.pkg.dev",
    "europe-docker.pkg.dev",
    "asia-docker.pkg.dev",
    "europe-west4-docker.pkg.dev",
    "northamerica-northeast1-docker.pkg.dev",
    "me-central2-docker.pkg.dev",
    "docker.us-central1.rep.pkg.dev",
    "gcr.io",
    "us.gcr.io",
    "eu.gcr.io",
    "asia.gcr.io",
    "marketplace.gcr.io",
  ])("%s", (registry) => {
    expect(isGoogleHost(registry)).toBe(true);
  });

  // GO-2026-6225: a helper that matches loosely gives the cloud's token to whoever registers the name.
  test.each([
    "us-docker.pkg.dev.evil.example",
    "evil.us-docker.pkg.dev",
    "us-dockerxpkg.dev",
    "us-docker.pkgxdev",
    "us-docker.pkg.dev:443",
    "us-docker.pkg.dev.",
    "us-docker.pkg.dev\n",
    "-docker.pkg.dev",
    "docker.pkg.dev",
    "us-maven.pkg.dev",
    "us-east1-b-docker.pkg.dev",
    "docker.us-central1.rep.pkg.dev.evil.example",
    "maven.us-central1.rep.pkg.dev",
    "docker.evil.us-central1.rep.pkg.dev",
    "gcr.io.evil.example",
    "evilgcr.io",
    "evil.gcr.io",
    "usxgcr.io",
    "gcr.io:5000",
    "k8s.gcr.io",
    "storage.googleapis.com",
    "accounts.google.com",
    "google.com",
    "GCR.IO",
    "",
  ])("%j is nobody's", (registry) => {
    expect(isGoogleHost(registry)).toBe(false);
  });

  test("mirror.gcr.io is public and wants nothing", () => {
    expect(isGoogleHost("mirror.gcr.io")).toBe(false);
  });
});
