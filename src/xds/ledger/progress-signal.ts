import { Injectable } from '@nestjs/common';
import type { ProxyKey } from '../../infrastructure/index.js';

/**
 * Tells whoever on this replica waits for proxies that the ledger has something new of them, so that they need not wait for their
 * next look. Streams on other replicas tell nothing here.
 */
@Injectable()
export class ProgressSignal {
  private readonly listeners = new Set<(proxies: readonly ProxyKey[]) => void>();

  /** @param listener must not throw; called after what it is told of is committed. @returns what stops that */
  subscribe(listener: (proxies: readonly ProxyKey[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(proxies: readonly ProxyKey[]): void {
    for (const listener of this.listeners) listener(proxies);
  }
}
