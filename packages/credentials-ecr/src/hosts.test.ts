import { describe, expect, test } from "vitest";
import { parseEcrHost } from "./hosts.ts";

const plain = { kind: "private", fips: false, dualStack: false } as const;

describe("ECR registry hosts", () => {
  test.each([
    ["123456789012.dkr.ecr.us-east-1.amazonaws.com", { ...plain, region: "us-east-1" }],
    ["123456789012.dkr.ecr.ap-southeast-2.amazonaws.com", { ...plain, region: "ap-southeast-2" }],
    ["123456789012.dkr.ecr-fips.us-west-2.amazonaws.com", { ...plain, region: "us-west-2", fips: true }],
    ["123456789012.dkr-ecr.eu-west-1.on.aws", { ...plain, region: "eu-west-1", dualStack: true }],
    [
      "123456789012.dkr-ecr-fips.us-gov-east-1.on.aws",
      { ...plain, region: "us-gov-east-1", fips: true, dualStack: true },
    ],
    ["123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", { ...plain, region: "us-gov-west-1" }],
    ["210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn", { ...plain, region: "cn-north-1" }],
    [
      "210987654321.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
      { ...plain, region: "cn-north-1", dualStack: true },
    ],
    ["123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", { ...plain, region: "eusc-de-east-1" }],
    ["123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", { ...plain, region: "us-iso-east-1" }],
    ["123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", { ...plain, region: "us-isob-east-1" }],
    ["123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", { ...plain, region: "eu-isoe-west-1" }],
    ["123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", { ...plain, region: "us-isof-south-1" }],
    ["public.ecr.aws", { kind: "public" }],
    ["ecr-public.aws.com", { kind: "public" }],
  ])("%s", (registry, expected) => {
    expect(parseEcrHost(registry)).toEqual(expected);
  });

  // GO-2026-6225: a helper that matches loosely gives the cloud's token to whoever registers the name.
  test.each([
    "123456789012.dkr.ecr.us-west-2.amazonaws.com.fake.example.com",
    "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com.fake.example.com",
    "210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn.fake.example.com.cn",
    "public.ecr.aws.fake.example.com",
    "210987654321.dkr.ecr.cn-north-1.on.aws.com.cn",
    ".dkr.ecr.not-real.amazonaws.com",
    "dkr.ecr.us-east-1.amazonaws.com",
    "12345678901.dkr.ecr.us-east-1.amazonaws.com",
    "1234567890123.dkr.ecr.us-east-1.amazonaws.com",
    "x123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "evil.123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com:443",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com.",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com\n",
    "123456789012xdkr.ecr.us-east-1.amazonaws.com",
    "123456789012.dkr.ecr.us-east-1.amazonawsxcom",
    "123456789012.dkr.ecr.evil.example/.amazonaws.com",
    "123456789012.dkr.ecr.us-east-1.evil.amazonaws.com",
    "123456789012.dkr.ecr.s3.amazonaws.com",
    "123456789012.DKR.ECR.us-east-1.amazonaws.com",
    "xpublic.ecr.aws",
    "public.ecr.aws:443",
    "not.ecr.io",
    "",
  ])("%j is nobody's", (registry) => {
    expect(parseEcrHost(registry)).toBeUndefined();
  });

  test.each([
    ["a region of another partition", "123456789012.dkr.ecr.cn-north-1.amazonaws.com"],
    ["a commercial region in China", "123456789012.dkr.ecr.us-east-1.amazonaws.com.cn"],
    ["an isolated region in the open", "123456789012.dkr.ecr.us-isob-east-1.amazonaws.com"],
    ["a dual-stack service at an IPv4 suffix", "123456789012.dkr-ecr.us-east-1.amazonaws.com"],
    ["an IPv4 service at a dual-stack suffix", "123456789012.dkr.ecr.us-east-1.on.aws"],
  ])("%s is nobody's", (_why, registry) => {
    expect(parseEcrHost(registry)).toBeUndefined();
  });
});
