import { DocumentRefused } from './document-refused.js';
import { shapeFinding } from './document-shape.js';
import { duplicateKeyFinding } from './duplicate-keys.js';
import { parseYaml, parseYamlHere } from './parse-yaml.js';

export type DocumentFormat = 'json' | 'yaml';

/**
 * Reads a JSON or YAML text into plain data, in bounded time, depth and memory (the caller bounds the text's size).
 * @throws DocumentRefused for text that is not of the format, too deep, or with duplicate keys or ones that reach into prototypes;
 *   YAML also for more than 4 MiB, more than 50 aliases, and reading that takes too long
 */
export async function parseDocument(text: string, format: DocumentFormat): Promise<unknown> {
  return checked(format === 'json' ? parseJson(text) : await parseYaml(text), text, format);
}

/** The same without a thread for long YAML; for threads. @throws DocumentRefused */
export function parseDocumentHere(text: string, format: DocumentFormat): unknown {
  return checked(format === 'json' ? parseJson(text) : parseYamlHere(text), text, format);
}

/** @throws DocumentRefused */
function checked(data: unknown, text: string, format: DocumentFormat): unknown {
  const finding = shapeFinding(data) ?? (format === 'json' ? duplicateKeyFinding(text, data) : undefined);
  if (finding) throw new DocumentRefused(finding);
  return data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be read';
    throw DocumentRefused.because('document.json', `this is not JSON: ${reason}`);
  }
}
