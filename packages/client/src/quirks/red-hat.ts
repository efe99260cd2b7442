import { profile, type Profile } from "./profile.ts";

export const redHat: Profile = profile({
  name: "Red Hat",
  hosts: ["registry.redhat.io", "registry.access.redhat.com"],
  quirks: { unknownCode: "404" },
  sources: { unknownCode: "https://github.com/containers/image/blob/main/docker/errors_test.go" },
});
