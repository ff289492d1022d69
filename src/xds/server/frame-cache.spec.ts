import { describe, expect, it } from '@jest/globals';
import { FrameCache, framesOf } from './frame-cache.js';

const draft = { contents: new Map(), encode: (nonce: string): Buffer => Buffer.from(`nonce ${nonce}`) };

describe('the frame cache', () => {
  it('shares a frame, nonce included', () => {
    const cache = new FrameCache();
    expect(cache.frame('a', 0, draft)).toBe(cache.frame('a', 0, draft));
  });

  it('gives a stream that knows the nonce a newer frame, which others then share', () => {
    const cache = new FrameCache();
    const first = cache.frame('a', 0, draft);
    const second = cache.frame('a', first.sequence, draft);
    expect(second.sequence).toBeGreaterThan(first.sequence);
    expect(second.bytes.toString()).toBe(`nonce ${second.nonce}`);
    expect(cache.frame('a', 0, draft)).toBe(second);
    expect(cache.frame('a', second.sequence, { ...draft, contents: new Map() }).contents).toBe(draft.contents);
  });

  it('never repeats a nonce in the process', () => {
    const nonces = Array.from({ length: 100 }, (_, i) => new FrameCache().frame(`k${i}`, 0, draft).nonce);
    expect(new Set(nonces).size).toBe(100);
  });

  it('drops the least recently used frame over its bound of frames', () => {
    const cache = new FrameCache();
    const first = cache.frame('0', 0, draft);
    const second = cache.frame('1', 0, draft);
    for (let i = 2; i < 64; i++) cache.frame(`${i}`, 0, draft);
    expect(cache.frame('0', 0, draft)).toBe(first);
    cache.frame('64', 0, draft);
    expect(cache.frame('0', 0, draft)).toBe(first);
    expect(cache.frame('1', 0, draft)).not.toBe(second);
  });

  it('drops frames over its bound of bytes', () => {
    const cache = new FrameCache();
    const large = { ...draft, encode: (): Buffer => Buffer.alloc(20 * 1024 * 1024) };
    const first = cache.frame('a', 0, large);
    cache.frame('b', 0, large);
    expect(cache.frame('a', 0, draft)).not.toBe(first);
  });

  it('belongs to one snapshot', () => {
    const [a, b] = [{}, {}];
    expect(framesOf(a)).toBe(framesOf(a));
    expect(framesOf(a)).not.toBe(framesOf(b));
  });
});
