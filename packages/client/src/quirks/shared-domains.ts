/**
 * Domains whose subdomains belong to different people, so that being neighbours proves nothing.
 *
 * Subdomains of a country's second level, such as `co.uk`, are told by their form.
 *
 * @see https://publicsuffix.org/list/
 */
export const sharedDomains: readonly string[] = [
  "adc-e.uk",
  "amazonaws.com",
  "amazonaws.com.cn",
  "amazonaws.eu",
  "appspot.com",
  "azurecr.cn",
  "azurecr.de",
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
  "ic.gov",
  "ngrok.app",
  "ngrok.io",
  "nip.io",
  "on.amazonwebservices.com.cn",
  "on.aws",
  "pages.dev",
  "run.app",
  "sgov.gov",
  "sslip.io",
  "vercel.app",
  "windows.net",
  "workers.dev",
];
