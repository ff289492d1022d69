import { isIPv4, isIPv6 } from 'node:net';
import { membershipChecks } from './membership-rules.js';
import { type Check, type TypeRules, check, option } from './rule-types.js';

const UTF8 = new TextEncoder();
const characters = (text: string): number => Array.from(text).length;
const bytes = (text: string): number => UTF8.encode(text).length;

/** `string` rules. Patterns come from the Envoy API alone, never from what somebody sent. */
export function stringChecks(rules: TypeRules): Check[] {
  return [
    ...lengthChecks('string', rules, { min: 'minLen', exact: 'len', max: 'maxLen' }, characters, 'characters'),
    ...lengthChecks('string', rules, { min: 'minBytes', exact: 'lenBytes', max: 'maxBytes' }, bytes, 'bytes'),
    ...affixChecks(rules),
    ...wellKnownChecks(rules),
    ...membershipChecks<string>('string', rules),
  ];
}

/** `bytes` rules. */
export function bytesChecks(rules: TypeRules): Check[] {
  const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');
  const names = { min: 'minLen', exact: 'len', max: 'maxLen' };
  return [
    ...lengthChecks<Uint8Array>('bytes', rules, names, (value) => value.length, 'bytes'),
    ...membershipChecks<Uint8Array>('bytes', rules, hex, hex),
  ];
}

interface LengthNames {
  readonly min: string;
  readonly exact: string;
  readonly max: string;
}

function lengthChecks<T = string>(
  type: string,
  rules: TypeRules,
  names: LengthNames,
  measure: (value: T) => number,
  unit: string,
): Check[] {
  const limit = (name: string): number | undefined => {
    const value = option<bigint>(rules, name);
    return value === undefined ? undefined : Number(value);
  };
  const [min, exact, max] = [limit(names.min), limit(names.exact), limit(names.max)];
  const rule = (name: string): string => `${type}.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
  return [
    ...(min === undefined
      ? []
      : [
          check<T>(
            rule(names.min),
            (v) => measure(v) >= min,
            min === 1 ? 'not be empty' : `have at least ${min} ${unit}`,
          ),
        ]),
    ...(exact === undefined ? [] : [check<T>(rule(names.exact), (v) => measure(v) === exact, `have ${exact} ${unit}`)]),
    ...(max === undefined ? [] : [check<T>(rule(names.max), (v) => measure(v) <= max, `have at most ${max} ${unit}`)]),
  ];
}

function affixChecks(rules: TypeRules): Check[] {
  const text = (name: string): string | undefined => option<string>(rules, name);
  const [pattern, prefix, suffix] = [text('pattern'), text('prefix'), text('suffix')];
  const [contains, notContains] = [text('contains'), text('notContains')];
  const checks: Check[] = [];
  if (pattern !== undefined) {
    const expression = new RegExp(pattern, 'u');
    checks.push(check<string>('string.pattern', (v) => expression.test(v), `match ${pattern}`));
  }
  if (prefix !== undefined)
    checks.push(check<string>('string.prefix', (v) => v.startsWith(prefix), `begin with "${prefix}"`));
  if (suffix !== undefined)
    checks.push(check<string>('string.suffix', (v) => v.endsWith(suffix), `end with "${suffix}"`));
  if (contains !== undefined)
    checks.push(check<string>('string.contains', (v) => v.includes(contains), `contain "${contains}"`));
  if (notContains !== undefined) {
    checks.push(check<string>('string.not_contains', (v) => !v.includes(notContains), `not contain "${notContains}"`));
  }
  return checks;
}

/** The three expressions of protoc-gen-validate's own templates for HTTP headers, verbatim: `+-.` is a range in the first. */
const HEADER_NAME = /^:?[0-9a-zA-Z!#$%&'*+-.^_|~`]+$/;
// eslint-disable-next-line no-control-regex
const HEADER_VALUE = /^[^\u0000-\u0008\u000A-\u001F\u007F]*$/;
// eslint-disable-next-line no-control-regex
const HEADER_LOOSE = /^[^\u0000\u000A\u000D]*$/;

const HOST_NAME =
  /^(?=.{1,253}\.?$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$/;
const isHostName = (text: string): boolean => HOST_NAME.test(text);
const isIp = (text: string): boolean => isIPv4(text) || isIPv6(text);

const FORMATS: Readonly<Record<string, readonly [holds: (text: string) => boolean, must: string]>> = {
  hostname: [isHostName, 'be a host name'],
  ip: [isIp, 'be an IP address'],
  ipv4: [isIPv4, 'be an IPv4 address'],
  ipv6: [isIPv6, 'be an IPv6 address'],
  address: [(text) => isHostName(text) || isIp(text), 'be a host name or an IP address'],
  uri: [(text) => URL.canParse(text), 'be an absolute URI'],
  uriRef: [(text) => URL.canParse(text, 'http://base'), 'be a URI'],
  email: [(text) => /^[^\s@]+@[^\s@]+$/.test(text), 'be an e-mail address'],
  uuid: [(text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text), 'be a UUID'],
};

const HTTP_HEADER_NAME = 1;

function wellKnownChecks(rules: TypeRules): Check[] {
  const wellKnown = rules['wellKnown'] as { case?: string; value?: unknown } | undefined;
  if (wellKnown?.case === undefined) return [];
  if (wellKnown.case !== 'wellKnownRegex') {
    const format = FORMATS[wellKnown.case];
    return wellKnown.value === true && format ? [check(`string.${wellKnown.case}`, ...format)] : [];
  }
  const isName = wellKnown.value === HTTP_HEADER_NAME;
  const isStrict = option<boolean>(rules, 'strict') ?? true;
  const expression = isStrict ? (isName ? HEADER_NAME : HEADER_VALUE) : HEADER_LOOSE;
  const must = `be a valid HTTP header ${isName ? 'name' : 'value'}`;
  return [check<string>('string.well_known_regex', (text) => expression.test(text), must)];
}
