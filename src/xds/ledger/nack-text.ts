import type { ResourceKind } from '../resource-types.js';

/** What is kept of a refusal's text, in bytes of UTF-8. */
export const MAX_NACK_BYTES = 2048;

/** Longer texts are read at both ends only: what was wrong stands before or after the resource that was dumped. */
const MAX_READ = 64 * 1024;
const MAX_CLAUSE = 300;
const REDACTED = '[redacted]';

const PEM = /-----BEGIN [^-\n]{0,64}-----[\s\S]*?(?:-----END [^-\n]{0,64}-----|$)/g;

/** The name in a resource that is dumped as protobuf text. */
const NAME = /^(?:cluster_)?name: "([\w.:/@ -]{1,255})"$/m;

/**
 * A line of protobuf text or JSON outside all braces: a field with one value, which is whatever follows a quotation mark, for the
 * text may be cut off anywhere. Sentences have more than one word behind the colon.
 */
const FIELD_LINE = /^"?[A-Za-z_][\w.]*"?\s*:\s*(?:"[^]*|'(?:[^'\\]|\\[^])*\\?(?:'[\s,]*)?|[-+\w.]+[\s,]*)$/;

/**
 * Fields that hold credentials, and their value. The names of protoc-gen-validate's errors contain such words but no values. All
 * expressions here take time in proportion to the text: nothing unbounded follows something unbounded that it could share with.
 */
const SENSITIVE_FIELD = new RegExp(
  String.raw`((?:passw(?:or)?d|passphrase|secret|token|authorization|cookie|credential|inline_string|inline_bytes|(?<![a-z])key)` +
    String.raw`(?![\w.[\]-]{0,200}ValidationError)[\w.-]{0,64}"?\s{0,8}[:=]\s{0,8})` +
    String.raw`("(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|[^\s,;)}"']+)`,
  'gi',
);
const AUTHORIZATION = /\b(Bearer|Basic)\s+[\w.~+/=-]+/gi;
const USER_INFO = /(\/\/)[^\s/@]+@/g;
/** Random bytes as base64: long, and with characters of all three classes. */
const RANDOM = /(?<![\w+/-])(?=[\w+/-]{0,200}[a-z])(?=[\w+/-]{0,200}[A-Z])(?=[\w+/-]{0,200}\d)[\w+/-]{32,}={0,2}/g;
// Line breaks, terminal escapes, and marks that turn the direction of text around.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/g;

/**
 * Envoy's words about what it refused, fit to be stored and shown (SPEC.md §4.5). The text is the peer's: of any size, and where a rule of
 * the API failed it carries the whole resource with every key and password in clear.
 *
 * Of a secret, only its name and the last clause are kept, without anything in quotes. For other types the resource is cut
 * out but for its name, and what looks like a credential is redacted. One line, at most `MAX_NACK_BYTES`.
 */
export function cleanNackText(kind: ResourceKind, message: string): string {
  const text = endsOf(message).map(cutResource).join('\n');
  const reason = oneLine(kind === 'secret' ? lastClause(text) : redact(text)) || 'no reason given';
  const name = NAME.exec(message.slice(0, MAX_READ))?.[1];
  return truncate(name === undefined ? reason : `${name}: ${reason}`, MAX_NACK_BYTES);
}

/** The text, or its two ends. The rest of the line that the second end starts in is dropped: nobody knows what it is part of. */
function endsOf(message: string): string[] {
  const text = message.replaceAll(PEM, REDACTED);
  if (text.length <= MAX_READ) return [text];
  const tail = text.slice(-MAX_READ / 2);
  const line = tail.indexOf('\n');
  return [text.slice(0, MAX_READ / 2), line < 0 ? '' : tail.slice(line)];
}

/** Removes resources in protobuf text or JSON: whatever is in braces, and the fields outside of them. */
function cutResource(text: string): string {
  return cutBraces(text.replaceAll(/goo\.gle\/debug\w*/g, ''))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !FIELD_LINE.test(line) && !/^[\w.[\]/]*\s*\{…\}[\s,]*$/.test(line))
    .join('\n');
}

/** Replaces outermost `{…}`; one that is not closed reaches to the end. Strings within do not extend over lines. */
function cutBraces(text: string): string {
  let kept = '';
  let depth = 0;
  let from = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (depth > 0 && inString) {
      if (character === '\\') i += 1;
      else if (character === '"' || character === '\n') inString = false;
    } else if (character === '{') {
      if (depth === 0) kept += `${text.slice(from, i)}{…}`;
      depth += 1;
    } else if (character === '}' && depth > 0) {
      depth -= 1;
      from = i + 1;
    } else if (character === '"') {
      inString = depth > 0;
    }
  }
  return depth === 0 ? kept + text.slice(from) : kept;
}

function redact(text: string): string {
  return text
    .replaceAll(AUTHORIZATION, `$1 ${REDACTED}`)
    .replaceAll(SENSITIVE_FIELD, `$1${REDACTED}`)
    .replaceAll(USER_INFO, `$1${REDACTED}@`)
    .replaceAll(RANDOM, REDACTED);
}

function lastClause(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const clause = (lines.at(-1) ?? '')
    .split(/\| caused by |\): /)
    .filter((part) => part.trim() !== '')
    .at(-1);
  return redact((clause ?? '').replaceAll(/"(?:[^"\\]|\\.)*"?|(?<!\w)'(?:[^'\\]|\\.)*'?/g, REDACTED))
    .replaceAll(/[\w+/=-]{24,}/g, (run) => (/^[A-Za-z]{1,64}$/.test(run) ? run : REDACTED))
    .slice(-MAX_CLAUSE)
    .trim()
    .replace(/\)$/, '');
}

function oneLine(text: string): string {
  return text
    .replaceAll(CONTROL, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .replace(/^[\s:]+/, '')
    .trim();
}

function truncate(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.byteLength <= maxBytes) return bytes.toString('utf8');
  let end = maxBytes - 3;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString('utf8', 0, end)}…`;
}
