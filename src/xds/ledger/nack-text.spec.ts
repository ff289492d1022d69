import { setImmediate as nextTick } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RESOURCE_TYPES } from '../resource-types.js';
import { cleanNackText, MAX_NACK_BYTES } from './nack-text.js';

/** What Envoy 1.40 wrote of a secret with a bad session ticket key. */
const SECRET_DUMP = `goo.gle/debugonly    \nname: "s1"\ntls_certificate {\n  certificate_chain {\n    inline_string: "x"\n  }
  private_key {\n    inline_string: "PRIVATE-KEY-MARKER"\n  }\n  password {\n    inline_string: "PASS-MARKER"\n  }\n}
: Proto constraint validation failed (SecretValidationError.TlsCertificate: embedded message failed validation | caused by TlsCertificateValidationError.PrivateKeyProvider: embedded message failed validation | caused by PrivateKeyProviderValidationError.ProviderName: value length must be at least 1 characters)`;

const CLUSTER_DUMP = `goo.gle/debugproto  \nname: "c2"\ntype: STATIC\nconnect_timeout {\n}\ntransport_socket {\n  typed_config {
    [type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext] {
      common_tls_context {\n        tls_certificates {\n          private_key {\n            inline_string: "PRIVATE-KEY-MARKER }"\n          }
        }\n      }\n    }\n  }\n}\n: Proto constraint validation failed (ClusterValidationError.ConnectTimeout: value must be greater than 0s)`;

describe('the text of a refusal', () => {
  it('keeps a sentence as it is', () => {
    const text =
      "Error adding/updating listener(s) l2: Didn't find a registered implementation for 'hcm' with type URL: 'envoy.config.core.v3.Address'\n";
    expect(cleanNackText('listener', text)).toBe(text.trim());
    expect(
      cleanNackText(
        'listener',
        "Error adding/updating listener(s) l1: cannot bind '127.0.0.1:21202': Address already in use\n",
      ),
    ).toBe("Error adding/updating listener(s) l1: cannot bind '127.0.0.1:21202': Address already in use");
  });

  it('keeps every sentence of several on one line', () => {
    expect(cleanNackText('cluster', 'Error adding/updating cluster(s) c1: bad port\nc2: unknown thing here\n')).toBe(
      'Error adding/updating cluster(s) c1: bad port c2: unknown thing here',
    );
  });

  it('cuts the resource out of a failed rule, but for its name', () => {
    expect(cleanNackText('cluster', CLUSTER_DUMP)).toBe(
      'c2: Proto constraint validation failed (ClusterValidationError.ConnectTimeout: value must be greater than 0s)',
    );
  });

  it('cuts a resource that follows its reason, as older Envoys write it', () => {
    expect(
      cleanNackText(
        'cluster',
        'Proto constraint validation failed (ClusterValidationError.Name: value length must be at least 1 characters): name: ""\ntransport_socket {\n  name: "MARKER"\n}\n',
      ),
    ).not.toContain('MARKER');
  });

  it('keeps of a secret its name and the last clause only', () => {
    expect(cleanNackText('secret', SECRET_DUMP)).toBe(
      's1: PrivateKeyProviderValidationError.ProviderName: value length must be at least 1 characters',
    );
  });

  it.each([
    ['a PEM block', 'bad key -----BEGIN RSA PRIVATE KEY-----\\nMARKER\\n-----END RSA PRIVATE KEY----- here'],
    ['a PEM block that is cut off', 'bad key -----BEGIN PRIVATE KEY-----\nMARKER'],
    ['a password', 'cannot log in with password: MARKER to the server'],
    ['a quoted inline value', 'invalid inline_string: "a MARKER b" found'],
    ['JSON on one line', 'Unable to parse JSON as proto: {"name":"x","inline_bytes":"MARKER"}'],
    ['protobuf text on one line', 'bad: name: "s" tls { private_key { inline_string: "MARKER" } } after'],
    ['a resource that is cut off', 'goo.gle/debugonly\nname: "c"\ntls {\n  private_key {\n    inline_string: "MARK'],
    ['an authorization header', 'header Authorization: Bearer MARKER.abc'],
    ['a URL with a password', 'cannot fetch https://user:MARKER@example.com/x'],
    ['random bytes', 'token9 x MARKERaB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5z'],
  ])('does not keep %s', (_, text) => {
    for (const { kind } of RESOURCE_TYPES) expect(cleanNackText(kind, text)).not.toContain('MARK');
  });

  it('removes what would move a terminal or break a log line', () => {
    expect(cleanNackText('cluster', 'one\r\ntwo\u001b[31m three\u202e four\u0000')).toBe('one two [31m three four');
  });

  it('keeps 2 KB, whole characters', () => {
    const kept = cleanNackText('route', 'é'.repeat(10_000));
    expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(MAX_NACK_BYTES);
    expect(kept).toMatch(/^é+…$/);
  });

  it('finds the reason behind a resource of megabytes', () => {
    const dump = `goo.gle/debugonly\nname: "c"\n${'filters {\n  inline_string: "MARKER"\n}\n'.repeat(50_000)}: Proto constraint validation failed (X: y)`;
    const kept = cleanNackText('listener', dump);
    expect(kept).toContain('Proto constraint validation failed (X: y)');
    expect(kept).not.toContain('MARKER');
  });

  it('says so where there is no text', () => {
    expect(cleanNackText('cluster', '')).toBe('no reason given');
  });

  it('never keeps a key that stands in a dumped resource', () => {
    const marker = 'Marker-of-a-Planted-Key';
    const value = fc
      .tuple(fc.string(), fc.string())
      .map(([before, after]) => JSON.stringify(`${before}${marker}${after}`));
    const leaf = fc
      .tuple(
        fc.constantFrom('inline_string', 'inline_bytes', 'password', 'client_secret', 'value', 'filename', 'lua'),
        value,
      )
      .map(([field, text]) => `${field}: ${text}`);
    const { block } = fc.letrec<{ block: string; body: string }>((tie) => ({
      block: fc
        .tuple(fc.constantFrom('tls_certificate', '[type.googleapis.com/a.B]', 'keys'), tie('body'))
        .map(([name, body]) => `${name} {\n${body}\n}`),
      body: fc.oneof({ depthSize: 'small' }, leaf, tie('block')),
    }));
    const clause = fc.constantFrom(
      ': Proto constraint validation failed (AValidationError.B: value is required)',
      '',
      "Error adding/updating cluster(s) c: Didn't find it",
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...RESOURCE_TYPES.map(({ kind }) => kind)),
        fc.array(fc.oneof(block, leaf), { minLength: 1, maxLength: 6 }),
        clause,
        clause,
        fc.option(fc.nat(400)),
        (kind, blocks, before, after, cut) => {
          const text = `${before}\nname: "x"\n${blocks.join('\n')}\n${after}`;
          expect(cleanNackText(kind, cut === null ? text : text.slice(0, cut))).not.toContain(marker);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['blanks', `name: a${' '.repeat(64_000)}b`],
    ['blank lines', `${' '.repeat(64_000)}x`],
    ['dots', 'a.'.repeat(32_000)],
    ['letters', `${'a'.repeat(64_000)}:`],
    ['sensitive words', 'token-'.repeat(10_000)],
    ['quotation marks', 'key="'.repeat(12_000)],
    ['opening braces', '{"'.repeat(32_000)],
    ['key headers', '-----BEGIN '.repeat(6_000)],
    ['credentials', 'Bearer '.repeat(9_000)],
    ['slashes', '//'.repeat(32_000)],
    ['blanks in a quoted value', `name: '${' '.repeat(60_000)}' b`],
    ['blanks before a line break of another kind', `name: "${' '.repeat(60_000)}\r b`],
    ['backslashes', `name: '${'\\'.repeat(60_000)}' b`],
  ])(
    'reads a text of nothing but %s in proportion to its length',
    async (_, text) => {
      // The time of a test is the bound: going back over 64,000 characters for each of them would take longer.
      for (let i = 0; i < 10; i += 1) {
        await nextTick();
        for (const kind of ['secret', 'cluster'] as const) {
          expect(Buffer.byteLength(cleanNackText(kind, text))).toBeLessThanOrEqual(MAX_NACK_BYTES);
        }
      }
    },
    10_000,
  );

  it('is bounded in size for any text', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('secret' as const, 'cluster' as const),
        fc.string({ maxLength: 5000 }),
        (kind, text) => {
          const kept = cleanNackText(kind, text);
          expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(MAX_NACK_BYTES);
          // eslint-disable-next-line no-control-regex
          expect(kept).not.toMatch(/[\u0000-\u001f\u007f]/);
        },
      ),
    );
  });
});
