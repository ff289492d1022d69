import { type FileRegistry, createFileRegistry, create, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** The API of the newest Envoy that EFMS knows; made by `tools/envoy-descriptors`. */
const BUNDLED = new URL('./descriptors/envoy-1.40.binpb.gz', import.meta.url);

/**
 * Loads the bundled Envoy API, and over it what an operator adds: serialized `FileDescriptorSet`s, gzipped or not, with all they
 * import that is not bundled. A file of the same name as a bundled one replaces it, so a newer Envoy is a matter of data.
 * @throws Error naming the file that cannot be read or does not fit
 */
export function loadDescriptors(extraFiles: readonly string[] = []): FileRegistry {
  const files = new Map<string, FileDescriptorProto>();
  for (const source of [BUNDLED, ...extraFiles]) {
    for (const file of readDescriptorSet(source)) files.set(file.name, file);
  }
  try {
    return createFileRegistry(create(FileDescriptorSetSchema, { file: importsFirst(files) }));
  } catch (error) {
    throw new Error(`the descriptor files ${extraFiles.join(', ')} do not fit together: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function readDescriptorSet(source: URL | string): FileDescriptorProto[] {
  try {
    const bytes = readFileSync(source);
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return fromBinary(FileDescriptorSetSchema, isGzip ? gunzipSync(bytes) : bytes).file;
  } catch (error) {
    throw new Error(`cannot read the descriptor file ${source.toString()}: ${reasonOf(error)}`, { cause: error });
  }
}

/** What a set promises, and sets merged by name do not: every file after the files that it imports. */
function importsFirst(files: ReadonlyMap<string, FileDescriptorProto>): FileDescriptorProto[] {
  const sorted = new Set<FileDescriptorProto>();
  const entered = new Set<string>();
  const add = (name: string): void => {
    const file = files.get(name);
    if (!file || entered.has(name)) return;
    entered.add(name);
    file.dependency.forEach(add);
    sorted.add(file);
  };
  for (const name of files.keys()) add(name);
  return [...sorted];
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
