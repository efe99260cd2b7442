import { credentialProviderContract } from "@drayage/testkit";
import { openFileWorld, openHelperWorld } from "../fixture/credential-world.ts";
import { authOf } from "../fixture/machine.ts";
import { fromDockerConfig } from "./from-docker-config.ts";

const foreign = [
  { registry: "ghcr.io" },
  { registry: "registry.example.org" },
  { registry: "localhost:5001" },
];

credentialProviderContract({
  name: "fromDockerConfig with a credential helper",
  own: [
    { registry: "registry.example.com" },
    { registry: "docker.io", repository: "library/alpine" },
    { registry: "localhost:5000" },
  ],
  foreign: [...foreign, { registry: "index.docker.io.evil.example" }],
  open: () =>
    openHelperWorld(async (machine) => {
      const credHelpers = {
        "registry.example.com": "test",
        "https://index.docker.io/v1/": "test",
        "localhost:5000": "test",
      };
      await machine.write(".docker/config.json", { credHelpers });
      return fromDockerConfig({ env: machine.env });
    }),
});

const filesAreRead = "nothing is looked up: the file says both whose a registry is and its credential";
const fileSkips = {
  "a resource that is not its own has nothing, even while lookups fail":
    "the configuration that is malformed might have had a credential for it",
  "a request that is aborted during a lookup rejects with the signal's reason": filesAreRead,
  "a request that is aborted leaves the others theirs": filesAreRead,
  "a lookup that everybody has left is not waited for by the next request": filesAreRead,
  "a credential that was refused is looked up again, and never given again": filesAreRead,
};

credentialProviderContract({
  name: "fromDockerConfig with credentials in the file",
  own: [
    { registry: "registry.example.com" },
    { registry: "registry.example.com", repository: "team/app" },
    { registry: "docker.io" },
    { registry: "127.0.0.1:5000" },
  ],
  foreign: [...foreign, { registry: "quay.io", repository: "team-evil/app" }, { registry: "quay.io" }],
  skips: fileSkips,
  open: () =>
    openFileWorld(
      (secret) => ({
        auths: {
          "registry.example.com": { auth: authOf("ci", secret) },
          "https://index.docker.io/v1/": { identitytoken: secret },
          "http://127.0.0.1:5000": { registrytoken: secret },
          "quay.io/team": { username: "ci", password: secret },
        },
      }),
      async (machine) => fromDockerConfig({ env: machine.env }),
    ),
});
