import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type FileRegistry, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const ENVOY_API = new URL('../envoy-api/descriptors/envoy-1.40.binpb.gz', import.meta.url);

/**
 * Every message of the Envoy API that EFMS is built with, and those of the operator's own descriptor sets. A file that both have
 * is taken from Envoy's.
 * @param extraFiles paths of binary FileDescriptorSets with all imports (`protoc --include_imports`), plain or gzipped
 * @throws Error naming the file that cannot be read
 */
export function loadDescriptors(extraFiles: readonly string[] = []): FileRegistry {
  const set = readDescriptorSet(ENVOY_API);
  const known = new Set(set.file.map((file) => file.name));
  for (const path of extraFiles) {
    for (const file of readDescriptorSet(path).file) {
      if (known.has(file.name)) continue;
      known.add(file.name);
      set.file.push(file);
    }
  }
  return createFileRegistry(set);
}

function readDescriptorSet(path: string | URL): FileDescriptorSet {
  try {
    const bytes = readFileSync(path);
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return fromBinary(FileDescriptorSetSchema, isGzip ? gunzipSync(bytes) : bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot read the descriptor set ${String(path)}: ${reason}`, { cause: error });
  }
}
