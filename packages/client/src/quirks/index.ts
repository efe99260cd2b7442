import { standardQuirks } from "@drayage/oci";
import { acr } from "./acr.ts";
import { artifactory } from "./artifactory.ts";
import { dockerHub } from "./docker-hub.ts";
import { ecr, ecrPublic } from "./ecr.ts";
import { gar } from "./gar.ts";
import { ghcr } from "./ghcr.ts";
import { gitlab } from "./gitlab.ts";
import { harbor } from "./harbor.ts";
import type { Profile } from "./profile.ts";
import { quay } from "./quay.ts";

/** Every registry that is known; a new one is one file beside this, and one word here. */
export const profiles: readonly Profile[] = [
  acr,
  artifactory,
  dockerHub,
  ecr,
  ecrPublic,
  gar,
  ghcr,
  gitlab,
  harbor,
  quay,
];

const standard: Profile = { hosts: [], quirks: standardQuirks };

/** What is known of the registry that is canonically called `host`. */
export function profileOf(host: string): Profile {
  const name = host.replace(/:\d+$/, "");
  return profiles.find(({ hosts }) => hosts.some((pattern) => matchesHost(name, pattern))) ?? standard;
}

/** Label by label and to both ends, so that no longer name matches by its beginning or its end. */
function matchesHost(name: string, pattern: string): boolean {
  const labels = name.split(".");
  const wanted = pattern.split(".");
  return (
    labels.length === wanted.length &&
    wanted.every((label, index) => label === labels[index] || (label === "*" && labels[index] !== ""))
  );
}
