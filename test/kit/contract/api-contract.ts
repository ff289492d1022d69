import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse as parseYaml } from 'yaml';

/** What a server sent, as far as the document says something about it. */
export interface SentAnswer {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly contentType: string | null;
  /** Left out where the body is not read to its end: streams, and answers to HEAD. */
  readonly text?: string;
}

interface MediaType {
  readonly schema?: object;
  /** What one event or one line holds, where the body is a stream of them. */
  readonly 'x-item-schema'?: object;
}

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, MediaType>> } | undefined>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Route {
  readonly template: string;
  readonly pattern: RegExp;
  readonly operations: Readonly<Record<string, Operation>>;
}

const DOCUMENT = new URL('../../../docs/reference/openapi.json', import.meta.url);
const KEY = 'openapi';
/** Findings told of one answer; one is as a rule what the others come of. */
const TOLD = 5;

/**
 * Compares answers with an OpenAPI 3.1 document: declared status, declared content type, body as its schema says. Fields that a schema
 * does not name are mismatches, so that nothing is sent that nobody wrote down.
 */
export class ApiContract {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  private readonly routes: readonly Route[];

  constructor(document: Document) {
    addFormats.default(this.ajv);
    this.ajv.addSchema(closed(document) as object, KEY, undefined, false);
    this.routes = Object.entries(document.paths)
      .map(([template, operations]) => ({ template, operations, pattern: patternOf(template) }))
      .sort((a, b) => a.template.split('{').length - b.template.split('{').length);
  }

  /** The contract as it is committed. */
  static ofRepository(): ApiContract {
    return new ApiContract(JSON.parse(readFileSync(DOCUMENT, 'utf8')) as Document);
  }

  /** What the document does not say of this answer, a line each. What is outside the API is nobody's contract. */
  mismatches(answer: SentAnswer): readonly string[] {
    const path = new URL(answer.url).pathname.replaceAll(/%3a/gi, ':');
    const route = this.routes.find(({ pattern }) => pattern.test(path));
    const method = answer.method.toLowerCase();
    const operation = route?.operations[method === 'head' ? 'get' : method];
    if (!route || !operation) {
      const isPromise = path.startsWith('/api/') && answer.status >= 200 && answer.status < 300 && method !== 'options';
      return isPromise ? [`${answer.method} ${path}: answered ${answer.status}, but is no operation`] : [];
    }
    const pointer = `/paths/${escaped(route.template)}/${method}/responses/${answer.status}`;
    return this.compare(operation, pointer, answer).map(
      (line) => `${operation.operationId} (${answer.method} ${path}), status ${answer.status}: ${line}`,
    );
  }

  /** The same for one event of a stream or one line, where the document declares them. */
  itemMismatches(operationId: string, item: unknown): readonly string[] {
    for (const { template, operations } of this.routes) {
      for (const [method, operation] of Object.entries(operations)) {
        if (operation.operationId !== operationId) continue;
        const [type, media] = Object.entries(operation.responses['200']?.content ?? {})[0] ?? [];
        if (type === undefined || media?.['x-item-schema'] === undefined) return [];
        const pointer = `/paths/${escaped(template)}/${method}/responses/200/content/${escaped(type)}/x-item-schema`;
        return this.validate(pointer, item).map((line) => `${operationId}, item: ${line}`);
      }
    }
    throw new Error(`no operation ${operationId}`);
  }

  private compare(operation: Operation, pointer: string, answer: SentAnswer): readonly string[] {
    const response = operation.responses[answer.status];
    if (!response) return ['the status is not declared'];
    const declared = Object.keys(response.content ?? {});
    const { text } = answer;
    if (answer.method === 'HEAD') return [];
    if (text === '') return declared.length > 0 ? ['a body is declared, none was sent'] : [];
    const type = answer.contentType?.split(';')[0]?.trim() ?? '(none)';
    const media = response.content?.[type];
    if (!media) return [`content type ${type} is not declared (${declared.join(', ') || 'no body'})`];
    if (text === undefined) return [];
    if (type === 'application/x-ndjson') return this.compareLines(operation, text);
    if (media.schema === undefined) return ['the body has no schema'];
    return this.validate(`${pointer}/content/${escaped(type)}/schema`, valueOf(type, text));
  }

  private compareLines({ operationId }: Operation, text: string): readonly string[] {
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.flatMap((line) => this.itemMismatches(operationId, JSON.parse(line)));
  }

  private validate(pointer: string, value: unknown): readonly string[] {
    const validate = this.ajv.getSchema(`${KEY}#${encodeURI(pointer)}`) as ValidateFunction | undefined;
    if (!validate) throw new Error(`no schema at ${pointer}`);
    return validate(value) ? [] : (validate.errors ?? []).slice(0, TOLD).map(lineOf);
  }
}

/** What a body says, in the terms of its schema. */
function valueOf(type: string, text: string): unknown {
  if (type.endsWith('json')) return JSON.parse(text);
  return type.endsWith('yaml') ? parseYaml(text) : text;
}

function lineOf({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath || '(the body)'} ${message} ${JSON.stringify(params)}`;
}

/** Closes every schema that names properties and does not say that there are others. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, closed(part)]));
  const isSchema = copy['type'] === 'object' && typeof copy['properties'] === 'object';
  return isSchema && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy;
}

const patternOf = (template: string): RegExp =>
  new RegExp(`^${template.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+')}$`);

/** A part of a JSON pointer (RFC 6901). */
const escaped = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1');
