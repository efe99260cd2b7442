import { profile, type Profile } from "./profile.ts";

export const zot: Profile = profile({
  name: "zot",
  hosts: [],
  quirks: { uploadType: true },
  sources: { uploadType: "https://github.com/project-zot/zot/blob/main/pkg/api/routes.go" },
});
