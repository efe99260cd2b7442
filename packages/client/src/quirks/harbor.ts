import { profile, type Profile } from "./profile.ts";

export const harbor: Profile = profile({
  name: "Harbor",
  hosts: [],
  quirks: { existence: "head", mountFromUnknown: 401, unknownCode: "NOT_FOUND", compression: true },
  sources: {
    existence: "https://github.com/goharbor/harbor/issues/17097",
    mountFromUnknown: "https://github.com/goharbor/harbor/issues/17097",
    unknownCode: "https://github.com/containers/image/blob/main/docker/errors_test.go",
    compression: "https://github.com/oras-project/oras-go/issues/1176",
  },
});
