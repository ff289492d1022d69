import { readSerialized } from '../../../common/documents/large-document.js';
import type { Handed } from '../../../common/threads/thread-task.js';
import { EnvoyApi } from '../../../xds/in-threads.js';
import type { LargeSnapshot } from './version-contents.js';
import { buffersOfContent, type ContentReading, readContent } from './version-content.js';

/** By the extra descriptor files; a process has one. */
const apis = new Map<string, EnvoyApi>();

export function run({ descriptorFiles, bytes, versionId }: LargeSnapshot): Handed<ContentReading> {
  const api = apiOf(descriptorFiles);
  if (!bytes) return { value: { findings: [], content: undefined }, transfer: [] };
  const reading = readContent(api, { snapshot: readSerialized(bytes), versionId });
  return { value: reading, transfer: reading.content ? buffersOfContent(reading.content) : [] };
}

function apiOf(descriptorFiles: readonly string[]): EnvoyApi {
  const key = descriptorFiles.join(',');
  const api = apis.get(key) ?? EnvoyApi.load(descriptorFiles);
  apis.set(key, api);
  return api;
}
