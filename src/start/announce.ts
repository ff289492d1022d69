import type { RunningServer } from './server.js';

const XDS_TLS = { off: '', files: '   (TLS)', internal: '   (TLS, internal CA)' };

/** What a person who has just started EFMS wants to know, in plain lines on standard output. */
export function announce(
  server: RunningServer,
  write: (text: string) => void = (text) => process.stdout.write(text),
): void {
  const lines = [
    `EFMS is ready in ${(server.startedInMs / 1000).toFixed(1)} s`,
    `  API      ${server.httpUrl}/api/v1`,
    `  Swagger  ${server.httpUrl}/docs`,
    `  xDS      ${server.xdsAddress}${XDS_TLS[server.xdsTls]}`,
  ];
  const { firstStart } = server;
  if (firstStart.created) {
    lines.push(`  login    ${firstStart.email}`);
    if (firstStart.generatedPassword !== undefined) {
      lines.push(
        `  password ${firstStart.generatedPassword}   (shown once; kept in ${server.passwordFile} until you change it)`,
      );
    }
  }
  write(`${lines.join('\n')}\n`);
}
