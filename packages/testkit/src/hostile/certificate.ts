import type { TestCertificate } from "../scripted/origin.ts";

/**
 * A certificate that nobody vouches for, and its key, of `registry.test`, `source.test` and `target.test`, their
 * subdomains, `auth.test`, `storage.test`, `other.test` and `evil.test`; good for tests only.
 */
export const testCertificate: TestCertificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIICDDCCAbOgAwIBAgIUIzXhNY2s32pkge0wQHJ/9zxqdNgwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjIxODE4MzdaGA8yMTI2MTAyOTE4MTgz
N1owDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABF9N
o+95mnVzMYG+Lj7JFFWPR4JmfTRK0nCS94Y5Hif/FAvRcT83fCh1EtPgtkHLUVnU
5vb7KxYdvAJKKswbexujgeowgecwHQYDVR0OBBYEFGauMP1rb3JCGSN3mBPWSkuU
KPNoMB8GA1UdIwQYMBaAFGauMP1rb3JCGSN3mBPWSkuUKPNoMA8GA1UdEwEB/wQF
MAMBAf8wgZMGA1UdEQSBizCBiIINcmVnaXN0cnkudGVzdIIPKi5yZWdpc3RyeS50
ZXN0gglhdXRoLnRlc3SCCWV2aWwudGVzdIIMc3RvcmFnZS50ZXN0ggtzb3VyY2Uu
dGVzdIINKi5zb3VyY2UudGVzdIILdGFyZ2V0LnRlc3SCDSoudGFyZ2V0LnRlc3SC
Cm90aGVyLnRlc3QwCgYIKoZIzj0EAwIDRwAwRAIgLgBHR1npctwoMMKg4UHV/tFe
IioRClXz8UmmZADEt+gCIFF+BPn9t8ixT8by+XH1U3CrEFaXizSexqfvCEipGZv1
-----END CERTIFICATE-----`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgtEGdCJETYaB999lt
aJ0K5agZvZMJtb48hLpV2/szJzihRANCAARfTaPveZp1czGBvi4+yRRVj0eCZn00
StJwkveGOR4n/xQL0XE/N3wodRLT4LZBy1FZ1Ob2+ysWHbwCSirMG3sb
-----END PRIVATE KEY-----`,
};
