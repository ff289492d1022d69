import { isUtf8 } from 'node:buffer';
import { DocumentRefused } from './document-refused.js';

/**
 * The text of bytes, without the byte order mark that some editors write. Bytes that are no text would be stored as question marks, so they
 * are refused.
 * @throws DocumentRefused
 */
export function documentText(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) {
    throw DocumentRefused.because('document.encoding', 'the body is not UTF-8; send it in that encoding');
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}
