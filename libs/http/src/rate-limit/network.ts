/** Groups of an address of IPv6, and of its network. */
const [ALL, OF_NETWORK] = [8, 4];

/**
 * Who is counted as one: an address of IPv4, or a /64 of IPv6, for who has one address of it
 * has them all (RFC 4291, 2.5.1).
 */
export function networkOf(address: string): string {
  // With a dot it is one of IPv4, as it is or as IPv6 writes it: `::ffff:192.0.2.1`.
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array.from({ length: Math.max(ALL - head.length - tail.length, 0) }, () => '0');
  const groups = [...head, ...zeros, ...tail].slice(0, OF_NETWORK);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
