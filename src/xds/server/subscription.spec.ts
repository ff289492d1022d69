import { describe, expect, it } from '@jest/globals';
import { Subscription } from './subscription.js';
import { REQUEST_LIMITS } from './wire/discovery-request.js';
import { MalformedMessage } from './wire/protobuf.js';

const NOTHING = { changed: false, wildcardStarted: false, resend: [] };

describe('a subscription that is replaced (state of the world)', () => {
  it('R4: reads no names as everything, until something was named', () => {
    const subscription = new Subscription(true);
    expect(subscription.replace([])).toMatchObject({ changed: true, wildcardStarted: true, resend: [] });
    expect(subscription.replace([])).toMatchObject(NOTHING);
    expect(subscription.replace(['a'])).toMatchObject({ changed: true, wildcardStarted: false });
    expect(subscription.wildcard).toBe(false);
    expect(subscription.replace([])).toMatchObject({ changed: true });
    expect(subscription.covers('a')).toBe(false);
  });

  it('R4: has no legacy wildcard for types that never had one', () => {
    const subscription = new Subscription(false);
    expect(subscription.replace([])).toMatchObject({ changed: true, wildcardStarted: false, resend: [] });
    expect(subscription.wildcard).toBe(false);
  });

  it('keeps "*" apart from names', () => {
    const subscription = new Subscription(false);
    expect(subscription.replace(['*', 'a'])).toMatchObject({ wildcardStarted: true });
    expect([...subscription.names]).toEqual(['a']);
    subscription.replace(['a']);
    expect([subscription.covers('a'), subscription.covers('b')]).toEqual([true, false]);
  });
});

describe('a subscription that is changed (incremental)', () => {
  it('R4: reads a first request without names as everything, and no later one', () => {
    const subscription = new Subscription(true);
    expect(subscription.change([], [])).toMatchObject({ wildcardStarted: true });
    expect(subscription.change([], [])).toMatchObject(NOTHING);
    expect(new Subscription(false).change([], [])).toMatchObject({ wildcardStarted: false });
  });

  it('keeps everything where "*" comes with the first name, as Envoy sends it', () => {
    const subscription = new Subscription(true);
    subscription.change([], []);
    expect(subscription.change(['*', 'a'], [])).toMatchObject({ changed: true, wildcardStarted: false, resend: ['a'] });
    expect(subscription.covers('b')).toBe(true);
  });

  it('R9: wants a name again that is subscribed again', () => {
    const subscription = new Subscription(false);
    expect(subscription.change(['a'], []).resend).toEqual([]);
    expect(subscription.change(['a'], [])).toMatchObject({ changed: false, wildcardStarted: false, resend: ['a'] });
  });

  it('R5: wants a name again that is given up under a wildcard, and not otherwise', () => {
    const subscription = new Subscription(false);
    subscription.change(['*', 'a'], []);
    expect(subscription.change([], ['a']).resend).toEqual(['a']);
    subscription.change(['a'], ['*']);
    expect(subscription.change([], ['a']).resend).toEqual([]);
  });

  it('case 49: takes the unsubscription of a name that it does not know for nothing', () => {
    const subscription = new Subscription(false);
    subscription.change(['a'], []);
    expect(subscription.change([], ['b'])).toMatchObject(NOTHING);
  });

  it('keeps a name that one request both subscribes and unsubscribes', () => {
    const subscription = new Subscription(false);
    subscription.change(['a'], ['a']);
    expect(subscription.covers('a')).toBe(true);
  });

  it('tells which names were given up, or that it can be any where the wildcard ended', () => {
    const subscription = new Subscription(false);
    subscription.change(['a', 'b', 'c'], []);
    expect(subscription.change(['d', 'b'], ['a', 'a', 'b', 'e']).dropped).toEqual(['a']);
    expect([...subscription.names]).toEqual(['b', 'c', 'd']);
    expect(subscription.change(['*'], []).dropped).toEqual([]);
    expect(subscription.change([], ['*']).dropped).toBeNull();
    expect(subscription.change(['*'], ['*'])).toMatchObject({ wildcardStarted: true, dropped: [] });
  });

  it('bounds the names over all requests', () => {
    const subscription = new Subscription(false);
    subscription.change(
      Array.from({ length: REQUEST_LIMITS.names }, (_, i) => `n${i}`),
      [],
    );
    expect(() => subscription.change(['one more'], [])).toThrow(MalformedMessage);
    expect(subscription.covers('one more')).toBe(false);
  });

  it('weighs what it remembers, by whatever way it came', () => {
    const [whole, changing] = [new Subscription(false), new Subscription(false)];
    whole.replace(['a', 'bb', 'ccc']);
    changing.change(['a', 'x'], []);
    changing.change(['bb', 'ccc', 'bb'], ['x', 'x', 'y']);
    expect(changing.names).toEqual(whole.names);
    expect(changing.weight).toBe(whole.weight);
    changing.change([], ['a', 'bb', 'ccc']);
    whole.replace(['*']);
    expect([changing.weight, whole.weight]).toEqual([0, 0]);
  });
});

describe('names that many streams ask for', () => {
  const names = ['a', '*', 'b'];

  it('are one object for all of them, until one asks for something else', () => {
    const [one, other, third] = [new Subscription(false), new Subscription(false), new Subscription(false)];
    one.change(names, []);
    other.change(names, []);
    third.replace(names);
    expect([...one.names]).toEqual(['a', 'b']);
    expect(other.sharedNames).toBe(one.sharedNames);
    expect(third.sharedNames).toBe(one.sharedNames);
    other.change(['c'], ['a']);
    expect([...other.names]).toEqual(['b', 'c']);
    expect(other.sharedNames).toBeNull();
    expect([...one.names]).toEqual(['a', 'b']);
    expect([one.weight > 0, other.weight]).toEqual([true, one.weight]);
  });

  it('are so again once the whole is said anew', () => {
    const subscription = new Subscription(false);
    subscription.change(['x'], []);
    subscription.change(['y'], []);
    expect(subscription.replace(names)).toMatchObject({ changed: true });
    expect(subscription.sharedNames).not.toBeNull();
  });
});
