import { isIPv4, isIPv6 } from 'node:net';

/** Text formats that validation rules name. Every expression here matches in linear time. */

const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const EMAIL = /^[^\s@]{1,64}@([^\s@]{1,255})$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

// What protoc-gen-validate takes for HTTP headers; in the name, the range from + to . is part of the definition.
const STRICT_HEADER_NAME = /^:?[0-9a-zA-Z!#$%&'*+-.^_|~`]+$/;
// eslint-disable-next-line no-control-regex -- control characters are what it is about
const STRICT_HEADER_VALUE = /^[^\u0000-\u0008\u000A-\u001F\u007F]*$/;
// eslint-disable-next-line no-control-regex -- control characters are what it is about
const LOOSE_HEADER = /^[^\u0000\u000A\u000D]*$/;

/** `validate.KnownRegex`. */
const HTTP_HEADER_NAME = 1;
const HTTP_HEADER_VALUE = 2;

/** Host names of RFC 1034 §3.1. */
function isHostname(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  return name.length > 0 && name.length <= 253 && name.split('.').every((label) => LABEL.test(label));
}

const isIp = (text: string): boolean => isIPv4(text) || isIPv6(text);

/** What a format accepts, and its name in a sentence. */
export interface Format {
  readonly name: string;
  readonly accepts: (text: string) => boolean;
}

/** By the member of the oneof `well_known` of `validate.StringRules`. */
export const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['email', { name: 'an e-mail address', accepts: (text) => isHostname(EMAIL.exec(text)?.[1] ?? '') }],
  ['hostname', { name: 'a host name', accepts: isHostname }],
  ['ip', { name: 'an IP address', accepts: isIp }],
  ['ipv4', { name: 'an IPv4 address', accepts: isIPv4 }],
  ['ipv6', { name: 'an IPv6 address', accepts: isIPv6 }],
  ['address', { name: 'a host name or an IP address', accepts: (text) => isHostname(text) || isIp(text) }],
  ['uri', { name: 'an absolute URI', accepts: (text) => URL.canParse(text) }],
  ['uri_ref', { name: 'a URI', accepts: (text) => URL.canParse(text, 'http://host') }],
  ['uuid', { name: 'a UUID', accepts: (text) => UUID.test(text) }],
]);

/**
 * HTTP header names and values. Where the rule is not strict, both only lack NUL and line ends, and a name may be empty.
 * @param known `validate.KnownRegex`
 * @returns undefined for a number that means nothing
 */
export function headerFormat(known: number, isStrict: boolean): Format | undefined {
  if (known !== HTTP_HEADER_NAME && known !== HTTP_HEADER_VALUE) return undefined;
  const isName = known === HTTP_HEADER_NAME;
  const strict = isName ? STRICT_HEADER_NAME : STRICT_HEADER_VALUE;
  const expression = isStrict ? strict : LOOSE_HEADER;
  return { name: `an HTTP header ${isName ? 'name' : 'value'}`, accepts: (text) => expression.test(text) };
}
