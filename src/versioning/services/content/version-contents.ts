import { Inject, Injectable } from '@nestjs/common';
import { LargeDocument } from '../../../common/documents/large-document.js';
import type { Config } from '../../../common/config/config.js';
import { CONFIG } from '../../../common/config/config.token.js';
import type { ThreadTask } from '../../../common/threads/thread-task.js';
import { Threads } from '../../../common/threads/threads.js';
import { EnvoyApi } from '../../../xds/index.js';
import { type ContentReading, readContent, type SentSnapshot } from './version-content.js';

/** A snapshot as a thread is given it. */
export interface LargeSnapshot {
  readonly descriptorFiles: readonly string[];
  /** A `SerializedDocument`'s; absent where the thread is only to load the Envoy API. */
  readonly bytes?: Uint8Array;
  readonly versionId: string;
}

const READ_CONTENT: ThreadTask<LargeSnapshot, ContentReading> = {
  file: new URL('./version-content-task.js', import.meta.url),
};

/** Reads snapshots for those who commit them: small ones at once, and large ones in a thread, with the same outcome. */
@Injectable()
export class VersionContents {
  private readonly descriptorFiles: readonly string[];

  constructor(
    private readonly envoyApi: EnvoyApi,
    private readonly threads: Threads,
    @Inject(CONFIG) { xds }: { readonly xds: Pick<Config['xds'], 'descriptorFiles'> },
  ) {
    this.descriptorFiles = xds.descriptorFiles;
    threads.prepareWith(READ_CONTENT, { descriptorFiles: this.descriptorFiles, versionId: '' });
  }

  /** Takes any data. @throws ProblemError as `Threads.run` */
  async read({ snapshot, versionId }: SentSnapshot): Promise<ContentReading> {
    if (!(snapshot instanceof LargeDocument)) return readContent(this.envoyApi, { snapshot, versionId });
    return this.threads.run(READ_CONTENT, {
      descriptorFiles: this.descriptorFiles,
      bytes: snapshot.bytes,
      versionId,
    });
  }
}
