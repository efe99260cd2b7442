import { profile, type Profile } from "./profile.ts";

/**
 * Azure Container Registry cuts the catalog at 100 entries a page.
 *
 * @see https://github.com/regclient/regclient/issues/404
 */
export const acr: Profile = profile(["*.azurecr.io", "*.azurecr.cn", "*.azurecr.us"], {
  name: "Azure Container Registry",
  maxPageSize: 100,
});
