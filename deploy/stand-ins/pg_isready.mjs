#!/usr/bin/env node
// Stands in for pg_isready, which the embedded PostgreSQL lacks: exit code 0 where the server of --host asks who is there.
import net from 'node:net';
import { parseArgs } from 'node:util';

const { host, username } = parseArgs({
  options: { quiet: { type: 'boolean' }, host: { type: 'string' }, username: { type: 'string' } },
}).values;
const body = Buffer.from(`\0\x03\0\0user\0${username}\0\0`, 'latin1');
const socket = net.connect(5432, host);
socket.setTimeout(3000, () => process.exit(2));
socket.on('error', () => process.exit(2));
socket.on('connect', () => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  socket.write(Buffer.concat([length, body]));
});
// R: an authentication request; E: it starts or stops.
socket.on('data', (answer) => process.exit(answer[0] === 0x52 ? 0 : 1));
