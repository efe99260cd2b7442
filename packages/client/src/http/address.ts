import { BlockList, isIP } from "node:net";

/** How far away an address is; the further, the less it can be used to reach what its user alone can reach. */
export type AddressClass = "public" | "private" | "loopback" | "never";

type Subnet = readonly [address: string, bits: number];

// RFC 1918, RFC 6598 and RFC 4193.
const privateSubnets: readonly Subnet[] = [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["fc00::", 7],
];

const loopbackSubnets: readonly Subnet[] = [
  ["127.0.0.0", 8],
  ["::1", 128],
];

// Where clouds keep the credentials of their machines, and what is no single machine (RFC 6890).
const neverSubnets: readonly Subnet[] = [
  ["169.254.0.0", 16],
  ["fe80::", 10],
  ["fd00:ec2::254", 128],
  ["168.63.129.16", 32],
  ["100.100.100.200", 32],
  ["0.0.0.0", 8],
  ["::", 128],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  ["ff00::", 8],
];

// In this order: `::1` lies in what stands for 0.0.0.0/8, and some of the reserved ones lie in private networks.
const classes: readonly (readonly [AddressClass, BlockList])[] = [
  ["loopback", blockListOf(loopbackSubnets)],
  ["never", blockListOf(neverSubnets)],
  ["private", blockListOf(privateSubnets)],
];

/** The class of a literal IP address. */
export function classOf(address: string): AddressClass {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  return classes.find(([, list]) => list.check(address, family))?.[0] ?? "public";
}

/** IPv4 addresses are looked for in IPv6 as well: `::ffff:0:0/96` by the list itself, NAT64 and its like by us. */
function blockListOf(subnets: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of subnets) {
    if (isIP(address) === 6) {
      list.addSubnet(address, bits, "ipv6");
      continue;
    }
    list.addSubnet(address, bits, "ipv4");
    list.addSubnet(`64:ff9b::${address}`, 96 + bits, "ipv6"); // RFC 6052
    list.addSubnet(`::${address}`, 96 + bits, "ipv6"); // RFC 4291 §2.5.5.1
    list.addSubnet(`2002:${hexPair(address)}::`, 16 + bits, "ipv6"); // RFC 3056
  }
  return list;
}

function hexPair(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
