// Exit code 0 where the EFMS of this container is ready to serve, otherwise 1. Reads the settings that the server reads.
import http from 'node:http';
import https from 'node:https';

const { EFMS_HTTP_HOST: host, EFMS_HTTP_PORT: port = '8080', EFMS_TLS_CERT: certificate } = process.env;
const everywhere = !host || host === '0.0.0.0' || host === '::';

const request = (certificate ? https : http).get({
  host: everywhere ? '127.0.0.1' : host,
  port,
  path: '/health/ready',
  // It asks itself, by an address that no certificate names, and tells nothing.
  rejectUnauthorized: false,
  timeout: 4000,
});
request.on('response', (response) => process.exit(response.statusCode === 200 ? 0 : 1));
request.on('timeout', () => request.destroy(new Error('no answer')));
request.on('error', (error) => {
  console.error(`not ready: ${error.message}`);
  process.exit(1);
});
