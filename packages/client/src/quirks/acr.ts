import { profile, type Profile } from "./profile.ts";

export const acr: Profile = profile({
  name: "Azure Container Registry",
  hosts: [
    "*.azurecr.io",
    "*.azurecr.cn",
    "*.azurecr.us",
    "*.azurecr.de",
    "*.*.geo.azurecr.io",
    "*.*.geo.azurecr.cn",
    "*.*.geo.azurecr.us",
    "*.*.geo.azurecr.de",
  ],
  quirks: { deleteTag: 405, defaultPageSize: 100, tagAction: "metadata_read" },
  sources: {
    deleteTag: "https://github.com/fluxcd/pkg/pull/328",
    defaultPageSize: "https://github.com/regclient/regclient/issues/404",
    tagAction: "https://github.com/renovatebot/renovate/issues/14711",
  },
});
