import { OciError } from "@drayage/oci";

/** Query parameters that hold no secret and are kept in errors and traces. */
const publicParameters = ["n", "last", "digest", "mount", "from", "scope", "service", "artifactType", "tag"];

/** The origin of a registry by the host and port that `parseRegistry` gave. */
export function registryUrl(apiHost: string, { plainHttp }: { readonly plainHttp: boolean }): URL {
  return new URL(`${plainHttp ? "http" : "https"}://${apiHost}`);
}

/** A path and query of ours, such as `formatRoute` gives, at `origin`. */
export function endpointUrl(path: string, origin: URL): URL {
  return new URL(path, origin);
}

/**
 * The URL of a request that the program itself asks for.
 *
 * @throws OciError URL_REFUSED unless it is http or https without userinfo
 */
export function requestUrl(text: string): URL {
  const url = isPlain(text) ? URL.parse(text) : null;
  if (url === null || !isHttp(url)) throw refused("given");
  return url;
}

/**
 * The URL of a proxy.
 *
 * @throws OciError OPTION_INVALID unless it is http or https, without userinfo, path and query; the text, which may
 * hold a password, is not quoted
 */
export function proxyUrl(text: string): URL {
  const url = isPlain(text) ? URL.parse(text) : null;
  if (url !== null && isHttp(url) && url.pathname === "/" && url.search === "" && url.hash === "") return url;
  throw new OciError("OPTION_INVALID", "a proxy is http://host:port or https://host:port", {
    hint: "user and password have places of their own: network.proxy.https.username",
  });
}

/**
 * The URL that a server named in a `Location`, a redirect or a realm, seen from the request at `base`.
 *
 * What parsers are known to read differently is refused before parsing: controls, backslashes, userinfo and
 * fragments. A secure origin never leads to an insecure one; an `http` URL of the same host means that the server
 * does not know about the TLS in front of it, and becomes `https`.
 *
 * @throws OciError URL_REFUSED
 */
export function resolveServerUrl(text: string, base: URL): URL {
  const url = isPlain(text) && !text.includes("#") ? URL.parse(text, base.href) : null;
  if (url === null || !isHttp(url)) throw refused("named by the server");
  if (base.protocol === "https:" && url.protocol === "http:") {
    if (url.hostname !== base.hostname) throw refused("that leaves https");
    url.protocol = "https:";
  }
  return url;
}

/** `url` with one more query parameter; what the query holds already stays byte for byte. */
export function withParameter(url: URL, name: string, value: string): URL {
  const pair = `${name}=${encodeURIComponent(value)}`;
  const extended = new URL(url);
  extended.search = url.search === "" ? `?${pair}` : `${url.search}&${pair}`;
  return extended;
}

/** `url` with `query`, a list of parameters that is encoded already, behind its own. */
export function withQuery(url: URL, query: string): URL {
  const extended = new URL(url);
  extended.search = [url.search.slice(1), query].filter((part) => part !== "").join("&");
  return extended;
}

/** `url` as text for errors and traces: without userinfo, fragment and any query value that could be a secret. */
export function redactUrl(url: URL): string {
  const pairs = url.search.slice(1).split("&");
  const query = pairs.map(redactPair).join("&");
  return `${url.protocol}//${url.host}${url.pathname}${query === "" ? "" : `?${query}`}`;
}

/** The port that is dialled, written out or not. */
export function portOf(url: URL): string {
  return url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
}

function redactPair(pair: string): string {
  const [name = ""] = pair.split("=", 1);
  return name === pair || publicParameters.includes(name) ? pair : `${name}=***`;
}

function isHttp(url: URL): boolean {
  return url.protocol === "https:" || url.protocol === "http:";
}

/** Nothing that a URL parser would drop or read as something else, and no userinfo. */
function isPlain(text: string): boolean {
  if (/[\u0000-\u0020\u007f\\]/.test(text)) return false;
  // A host stands behind two slashes, no more and no less, whatever some parsers put up with.
  if (/^(?:https?:(?!\/\/)|(?:https?:)?\/\/\/)/i.test(text)) return false;
  return !/^(?:[A-Za-z][A-Za-z0-9+.-]*:)?\/\/[^/?#]*@/.test(text);
}

function refused(which: string): OciError {
  return new OciError("URL_REFUSED", `refused a URL ${which}`);
}
