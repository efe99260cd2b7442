import { describe, expect, test } from "vitest";
import { isAcrHost } from "./hosts.ts";

describe("ACR login servers", () => {
  test.each([
    "contoso.azurecr.io",
    "contoso-e7ggejfuhzhgedc8.azurecr.io",
    "contoso.eastus.geo.azurecr.io",
    "contoso-e7ggejfuhzhgedc8.eastus.geo.azurecr.io",
    "contoso.azurecr.cn",
    "contoso.azurecr.us",
    "contoso.azurecr.de",
  ])("%s", (registry) => {
    expect(isAcrHost(registry)).toBe(true);
  });

  // GO-2026-6225: docker-credential-acr-env gave the token of all of Azure to any host with `.azurecr.io` in it.
  test.each([
    "contoso.azurecr.io.evil.example",
    "contoso.azurecr.io.evil.com",
    "evil.example.contoso.azurecr.io",
    "contosoxazurecr.io",
    "contoso.azurecrxio",
    "contoso.azurecr.io:443",
    "contoso.azurecr.io.",
    "contoso.azurecr.io\n",
    "azurecr.io",
    ".azurecr.io",
    "a.azurecr.io",
    "evil/contoso.azurecr.io",
    "evil@contoso.azurecr.io",
    "contoso.azurecr.com",
    "contoso.eastus.data.azurecr.io",
    "contoso.eastus.azurecr.io",
    "CONTOSO.azurecr.io",
    "",
  ])("%j is nobody's", (registry) => {
    expect(isAcrHost(registry)).toBe(false);
  });

  test("mcr.microsoft.com is public and wants nothing", () => {
    expect(isAcrHost("mcr.microsoft.com")).toBe(false);
  });
});
