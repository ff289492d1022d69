/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** For instance `CERTIFICATE`. */
  readonly label: string;
  readonly der: Buffer;
  /** By the headers of old OpenSSL (RFC 1421); newer encrypted keys have a label of their own. */
  readonly isEncrypted: boolean;
}

const BEGIN = /^-----BEGIN ([A-Z0-9][A-Z0-9 ]{0,60})-----$/;
const END = /^-----END ([A-Z0-9][A-Z0-9 ]{0,60})-----$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const HEADER = /^[A-Za-z0-9-]{1,40}:/;

/** Reads PEM, in time that grows with the text alone. */
export function readPem(text: string): readonly PemBlock[] | undefined {
  const blocks: PemBlock[] = [];
  let open: { readonly label: string; readonly lines: string[]; isEncrypted: boolean } | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const begun = BEGIN.exec(line)?.[1];
    if (begun !== undefined) {
      if (open) return undefined;
      open = { label: begun, lines: [], isEncrypted: false };
      continue;
    }
    // Between blocks stands what people and tools wrote for people.
    if (!open) continue;
    const ended = END.exec(line)?.[1];
    if (ended === undefined) {
      if (HEADER.test(line)) open.isEncrypted ||= line.includes('ENCRYPTED');
      else open.lines.push(line);
      continue;
    }
    const body = open.lines.join('');
    // The names of headers are no base64, so that a block with them is none that could be read as another.
    const content = open.isEncrypted ? '' : body;
    if (ended !== open.label || !BASE64.test(content)) return undefined;
    blocks.push({ label: open.label, der: Buffer.from(content, 'base64'), isEncrypted: open.isEncrypted });
    open = undefined;
  }
  return open ? undefined : blocks;
}

/** PEM with lines of 64 characters, as every tool writes it. */
export function writePem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
