import { standardQuirks } from "@drayage/oci";
import { acr } from "./acr.ts";
import { artifactory } from "./artifactory.ts";
import { distribution } from "./distribution.ts";
import { dockerHub } from "./docker-hub.ts";
import { ecr, ecrPublic } from "./ecr.ts";
import { gar, gcr } from "./gar.ts";
import { ghcr } from "./ghcr.ts";
import { gitea } from "./gitea.ts";
import { gitlab } from "./gitlab.ts";
import { harbor } from "./harbor.ts";
import { nexus } from "./nexus.ts";
import type { Profile } from "./profile.ts";
import { quay } from "./quay.ts";
import { redHat } from "./red-hat.ts";
import { zot } from "./zot.ts";

/** The registries that are known; a new one is a file beside this, a word here and a line below. */
export type KnownRegistry =
  | "acr"
  | "artifactory"
  | "distribution"
  | "dockerHub"
  | "ecr"
  | "ecrPublic"
  | "gar"
  | "gcr"
  | "ghcr"
  | "gitea"
  | "gitlab"
  | "harbor"
  | "nexus"
  | "quay"
  | "redHat"
  | "zot";

/** What is known of them; a registry that people run themselves is told by `hosts[…].quirks` of the client. */
export const profiles: Readonly<Record<KnownRegistry, Profile>> = {
  acr,
  artifactory,
  distribution,
  dockerHub,
  ecr,
  ecrPublic,
  gar,
  gcr,
  ghcr,
  gitea,
  gitlab,
  harbor,
  nexus,
  quay,
  redHat,
  zot,
};

const standard: Profile = { hosts: [], quirks: standardQuirks, facts: [] };

/** What is known of the registry that is canonically called `host`. */
export function profileOf(host: string): Profile {
  const name = host.replace(/:\d+$/, "");
  const isIt = ({ hosts }: Profile): boolean => hosts.some((pattern) => matchesHost(name, pattern));
  return Object.values(profiles).find(isIt) ?? standard;
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
