import { once } from 'node:events';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../../src/common/clock/clock.js';
import { InternalCa } from '../../../src/common/tls/internal-ca.js';
import { IssuedCertificate } from '../../../src/common/tls/issued-certificate.js';
import { SecuredConnections } from '../../../src/common/tls/secured-connections.js';
import { secureContext } from '../../../src/common/tls/server-certificate.js';
import { Connections } from '../../../src/xds/server/connections.js';
import { XdsGrpcServer } from '../../../src/xds/server/grpc-server.js';
import { ServerStats } from '../../../src/xds/server/server-stats.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { Teardown } from '../../kit/teardown.js';
import { connectTls } from '../../kit/tls-client.js';

Logger.overrideLogger(false);

const DAY_MS = 24 * 60 * 60 * 1000;
/** `PRI * HTTP/2.0`, with empty settings after it (RFC 9113 §3.4). */
const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0';
/** A PING frame (RFC 9113 §6.7). */
const PING = '\0\0\u0008\u0006\0\0\0\0\0efms-tls';

class ShiftedClock extends Clock {
  days = 0;

  now(): number {
    return Date.now() + this.days * DAY_MS;
  }

  monotonic(): number {
    return performance.now();
  }
}

describe('the certificate that a replica gives itself', () => {
  const teardown = new Teardown();
  let test: TestDatabase;
  let ca: InternalCa;
  let clock: ShiftedClock;
  let source: IssuedCertificate;

  beforeAll(async () => {
    test = await createTestDatabase();
    ca = await InternalCa.open(
      await test.open(),
      { id: 'master-test', key: Buffer.alloc(32, 9), accepted: [] },
      Date.now(),
    );
  });
  beforeEach(async () => {
    clock = new ShiftedClock();
    clock.days = -4;
    source = await IssuedCertificate.open(ca, ['localhost'], clock);
  });
  afterEach(() => teardown.run());
  afterAll(() => test.drop());

  it.each([
    [0, 'stays'],
    [2.9, 'stays'],
    [3.1, 'is renewed'],
    [30, 'is renewed'],
  ])('after %d days %s', async (days, outcome) => {
    const before = source.current;
    clock.days += days;
    await source.refresh();
    expect(source.current === before ? 'stays' : 'is renewed').toBe(outcome);
  });

  it('is replaced under a gRPC server that goes on: new connections get the new one, open ones live', async () => {
    const server = new XdsGrpcServer({
      host: '127.0.0.1',
      port: 0,
      writer: 'preframed',
      connections: new Connections(100, new ServerStats()),
      tls: new SecuredConnections(source),
    });
    await server.listen(() => undefined);
    teardown.add({ stop: () => server.close() });
    const { port } = server.address;
    const connect = () => connectTls(port, ca.certificatePem, { ALPNProtocols: ['h2'] });
    const old = teardown.add(await connect());
    await old.ask(HTTP2_PREFACE);

    clock.days = 0;
    await source.refresh();

    const next = teardown.add(await connect());
    expect(next.fingerprint).not.toBe(old.fingerprint);
    expect(next.protocol).toBe('TLSv1.3');
    expect(await old.ask(PING)).toContain('efms-tls');
    await expect(connectTls(port, ca.certificatePem, { ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2' })).rejects.toThrow(
      /protocol version/,
    );
  });

  it.each([
    ['says nothing', Buffer.alloc(0)],
    ['begins a hello', Buffer.from([0x16, 3, 1, 2, 0, 1])],
  ])('is not shown for long to a peer of a gRPC server that %s', async (_, bytes) => {
    const tls = new SecuredConnections(source, 100);
    const connections = new Connections(100, new ServerStats());
    const server = new XdsGrpcServer({ host: '127.0.0.1', port: 0, writer: 'preframed', connections, tls });
    await server.listen(() => undefined);
    teardown.add({ stop: () => server.close() });
    const socket = net.connect(server.address.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume().write(bytes);
    await once(socket, 'close');
  });

  it('is replaced under an HTTP server that goes on', async () => {
    const server = https.createServer(secureContext(source.current), (_, response) => response.end('still here'));
    source.onChange((certificate) => server.setSecureContext(secureContext(certificate)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    teardown.add({
      stop: async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    });
    const { port } = server.address() as AddressInfo;
    const old = teardown.add(await connectTls(port, ca.certificatePem));

    clock.days = 0;
    await source.refresh();

    const next = teardown.add(await connectTls(port, ca.certificatePem));
    expect(next.fingerprint).not.toBe(old.fingerprint);
    expect(await old.ask('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')).toContain('still here');
    await expect(connectTls(port, ca.certificatePem, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/);
  });
});
