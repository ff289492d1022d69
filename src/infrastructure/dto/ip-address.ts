import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { Check } from '../../common/http/request-fields.js';

export const IsIpAddress = (): PropertyDecorator => Check('ipAddress', ipProblem);

/** A checked address in PostgreSQL's own form: IPv6 in lower case and shortened. */
export const canonicalIp = (address: string): string =>
  new SocketAddress({ address, family: isIPv4(address) ? 'ipv4' : 'ipv6' }).address;

function ipProblem(value: unknown): string | undefined {
  const isAddress = typeof value === 'string' && (isIPv4(value) || (isIPv6(value) && !value.includes('%')));
  return isAddress ? undefined : 'must be an IPv4 or IPv6 address without a zone';
}
