/**
 * Domains whose subdomains belong to different people, so that being neighbours proves nothing.
 *
 * Subdomains of a country's second level, such as `co.uk`, are told by their form.
 *
 * @see https://publicsuffix.org/list/
 */
export const sharedDomains: readonly string[] = [
  "amazonaws.com",
  "appspot.com",
  "azurecr.cn",
  "azurecr.io",
  "azurecr.us",
  "azurewebsites.net",
  "cloudapp.net",
  "cloudfront.net",
  "cloudsmith.io",
  "duckdns.org",
  "fly.dev",
  "github.io",
  "gitlab.io",
  "herokuapp.com",
  "jfrog.io",
  "ngrok.app",
  "ngrok.io",
  "nip.io",
  "pages.dev",
  "run.app",
  "sslip.io",
  "vercel.app",
  "windows.net",
  "workers.dev",
];
