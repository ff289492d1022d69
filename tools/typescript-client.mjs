/**
 * Writes the TypeScript client from the OpenAPI document: a type for each schema, a method for each operation. What they have in common,
 * sending, problems, pages and streams, is written by hand beside them in clients/typescript/src.
 *
 * An operation `Proxies_put` becomes `client.proxies.put(id, body, options)`: path parameters in their order, the body, then query and
 * headers by name. A list has `…All` beside it, which walks its pages; a stream is an async iterable of its items.
 */
const METHODS = ['get', 'put', 'post', 'patch', 'delete'];
const MADE_BY =
  '// Written by tools/typescript-client.mjs from docs/reference/openapi.json: "npm run openapi" writes it anew.\n';
const STREAMS = { 'text/event-stream': 'events', 'application/x-ndjson': 'values' };

/** The generated files by name. Throws where the document has something that the client has no form for. */
export function typescriptClient(document) {
  return { 'types.ts': typesFile(document), 'client.ts': clientFile(document) };
}

// ---- types

function typesFile({ components }) {
  const types = Object.entries(components.schemas).map(([name, schema]) => {
    const isInterface = schema.properties !== undefined && schema.additionalProperties !== true;
    const body = typeOf(schema);
    return (
      docOf([schema.description]) +
      (isInterface ? `export interface ${nameOf(name)} ${body}` : `export type ${nameOf(name)} = ${body};`)
    );
  });
  return `${MADE_BY}\n${types.join('\n\n')}\n`;
}

/** Component names end in `Dto` because that is what the server calls its classes. */
const nameOf = (component) => component.replace(/Dto$/, '');

function typeOf(schema) {
  if (schema === undefined || Object.keys(schema).length === 0) return 'unknown';
  if (schema.$ref !== undefined) return nameOf(schema.$ref.split('/').at(-1));
  const union = schema.oneOf ?? schema.anyOf;
  if (union) return [...new Set(union.map(typeOf))].join(' | ');
  if (schema.allOf) return schema.allOf.map(typeOf).join(' & ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ');
  return plainTypeOf(schema);
}

function plainTypeOf(schema) {
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `readonly (${typeOf(schema.items)})[]`;
    case 'object':
      return objectTypeOf(schema);
    default:
      throw new Error(`no TypeScript for ${JSON.stringify(schema)}`);
  }
}

function objectTypeOf({ properties, required = [], additionalProperties }) {
  const others = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
  const open = `Readonly<Record<string, ${others}>>`;
  if (properties === undefined) return open;
  const fields = Object.entries(properties).map(
    ([name, schema]) =>
      `${docOf([schema.description])}readonly ${keyOf(name)}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};`,
  );
  const named = `{\n${fields.join('\n')}\n}`;
  return additionalProperties === true ? `${named} & ${open}` : named;
}

// ---- operations

function clientFile(document) {
  const groups = new Map();
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const [group, name] = item[method].operationId.split('_');
      groups.set(group, [
        ...(groups.get(group) ?? []),
        ...methodsOf(document, { method, path, name, operation: item[method] }),
      ]);
    }
  }
  const names = [...groups.keys()];
  const classes = names.map(
    (group) =>
      `class ${group}Operations {\nprivate readonly transport: Transport;\n\nconstructor(transport: Transport) {\nthis.transport = transport;\n}\n\n${groups.get(group).join('\n\n')}\n}`,
  );
  const fields = names.map((group) => `readonly ${fieldOf(group)}: ${group}Operations;`);
  const made = names.map((group) => `this.${fieldOf(group)} = new ${group}Operations(transport);`);
  return [
    MADE_BY,
    `import { type Answer, type CallOptions, type ClientOptions, type StreamMessage, Transport } from '../transport.js';`,
    `import type * as t from './types.js';\n`,
    ...classes.map((text) => `${text}\n`),
    `/** ${document.info.title}: ${document.info.description.split('\n')[0]} */`,
    `export class EfmsClient {\n${fields.join('\n')}\n\nconstructor(options: ClientOptions) {\nconst transport = new Transport(options);\n${made.join('\n')}\n}\n}\n`,
  ].join('\n');
}

const fieldOf = (group) => group[0].toLowerCase() + group.slice(1);

/** The method of one operation; for a list also the one that walks it. */
function methodsOf(document, { method, path, name, operation }) {
  const parameters = (operation.parameters ?? []).map((parameter) => ({ ...parameter, as: argumentOf(parameter) }));
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
  const named = parameters.filter((parameter) => parameter.in !== 'path');
  const body = operation.requestBody && Object.values(operation.requestBody.content)[0].schema;
  const mustBeGiven = named.some((parameter) => parameter.required);
  const args = [
    ...inPath.map(
      (parameter) => `${parameter}: ${typeof exampleOf(parameters, parameter) === 'number' ? 'number' : 'string'}`,
    ),
    ...(body ? [`body: ${qualified(typeOf(body))}`] : []),
    `options: ${optionsType(named)}${mustBeGiven ? '' : ' = {}'}`,
  ];
  const call = callOf({ method, path, named, hasBody: body !== undefined });
  const doc = docOf([operation.summary, operation.description], named);
  const signature = (suffix, result, how) =>
    `${suffix === '' ? doc : docOf([`Every item of \`${name}\`, page after page.`])}${name}${suffix}(${args.join(', ')}): ${result} {\nreturn this.transport.${how}(${call});\n}`;

  const stream = streamOf(operation);
  if (stream) {
    const item = qualified(typeOf(stream.schema));
    const result =
      stream.kind === 'events'
        ? `AsyncGenerator<StreamMessage<${item}>, void, undefined>`
        : `AsyncGenerator<${item}, void, undefined>`;
    return [signature('', result, stream.kind)];
  }
  const methods = [signature('', `Promise<${answersOf(operation)}>`, 'call')];
  const item = listItemOf(document, operation, parameters);
  return item
    ? [...methods, signature('All', `AsyncGenerator<${qualified(item)}, void, undefined>`, 'items')]
    : methods;
}

/** Header parameters are given by their own names in camelCase, `X-EFMS-Tenant` as `tenant`. */
function argumentOf({ name, in: place }) {
  if (place !== 'header') return name;
  const [first, ...rest] = name
    .toLowerCase()
    .replace(/^x-efms-/, '')
    .split('-');
  return first + rest.map((word) => word[0].toUpperCase() + word.slice(1)).join('');
}

function optionsType(named) {
  const names = named.map(({ as }) => as);
  const twice = names.find((name, i) => names.indexOf(name) !== i || name === 'signal');
  if (twice !== undefined) throw new Error(`two parameters would be called ${twice}`);
  if (named.length === 0) return 'CallOptions';
  const fields = named.map(
    ({ as, required, schema }) =>
      `readonly ${keyOf(as)}${required ? '' : '?'}: ${qualified(typeOf({ ...schema, type: schema.type ?? 'string' }))};`,
  );
  return `CallOptions & { ${fields.join(' ')} }`;
}

function callOf({ method, path, named, hasBody }) {
  const template = path.replaceAll(/\{(\w+)\}/g, (_, name) => `\${encodeURIComponent(${name})}`);
  const place = (where) => named.filter((parameter) => parameter.in === where);
  const query = place('query').map(({ name, as }) => `${keyOf(name)}: options.${as}`);
  const headers = place('header').map(({ name, as }) => `${keyOf(name.toLowerCase())}: options.${as}`);
  const parts = [
    `method: '${method.toUpperCase()}'`,
    `path: \`${template}\``,
    ...(query.length > 0 ? [`query: { ${query.join(', ')} }`] : []),
    ...(headers.length > 0 ? [`headers: { ${headers.join(', ')} }`] : []),
    ...(hasBody ? ['body'] : []),
    'signal: options.signal',
  ];
  return `{ ${parts.join(', ')} }`;
}

function answersOf({ responses }) {
  const good = Object.entries(responses).filter(([status]) => status.startsWith('2'));
  return good
    .map(([status, { content = {} }]) => {
      const types = Object.entries(content).map(([type, { schema }]) =>
        type.endsWith('json') ? qualified(typeOf(schema)) : 'string',
      );
      return `Answer<${[...new Set(types)].join(' | ') || 'undefined'}, ${status}>`;
    })
    .join(' | ');
}

function streamOf({ responses }) {
  for (const [type, kind] of Object.entries(STREAMS)) {
    const schema = responses['200']?.content?.[type]?.['x-item-schema'];
    if (schema) return { kind, schema };
  }
  return undefined;
}

/** What a page holds, where the answer is one. */
function listItemOf({ components }, { responses }, parameters) {
  if (!parameters.some(({ name }) => name === 'cursor')) return undefined;
  const ref = responses['200']?.content?.['application/json']?.schema?.$ref;
  const items = ref && components.schemas[ref.split('/').at(-1)]?.properties?.items;
  return items && typeOf(items.items);
}

function exampleOf(parameters, name) {
  const { schema, example } = parameters.find((parameter) => parameter.name === name) ?? {};
  return schema?.type === 'integer' ? 0 : (example ?? schema?.example);
}

// ---- text

/** Names of other types, in a file that imports them as `t`. */
const qualified = (type) =>
  type.replaceAll(/(?<![\w'"`])[A-Z]\w*(?![\w'"`]*['"])/g, (name) =>
    name === 'Readonly' || name === 'Record' ? name : `t.${name}`,
  );

const keyOf = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`);

function docOf(paragraphs, named = []) {
  const lines = [
    ...paragraphs.filter((text) => text),
    ...named
      .filter(({ description }) => description)
      .map(({ as, description }) => `@param options.${as} ${description}`),
  ].flatMap((text) => text.replaceAll('*/', '*\\/').split('\n'));
  if (lines.length === 0) return '';
  return lines.length === 1 ? `/** ${lines[0]} */\n` : `/**\n${lines.map((line) => ` * ${line}`).join('\n')}\n */\n`;
}
