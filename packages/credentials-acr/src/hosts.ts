/**
 * Login servers: a name, a hash where the registry has a domain name label, the region of a regional endpoint.
 * Data endpoints (`NAME.REGION.data.azurecr.io`) want no token, and `mcr.microsoft.com` is public.
 */
const loginServer =
  /^[a-z0-9]{5,50}(?:-[a-z0-9]{1,32})?(?:\.[a-z0-9]{2,32}\.geo)?\.azurecr\.(?:io|cn|us|de)$/;

/**
 * Whether `registry` is a login server of Azure Container Registry, in any of Azure's clouds.
 *
 * @see https://learn.microsoft.com/azure/container-registry/container-registry-concepts
 */
export function isAcrHost(registry: string): boolean {
  return loginServer.test(registry);
}
