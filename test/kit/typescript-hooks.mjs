import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import swc from '@swc/core';

/** What jest does for its own modules, for threads that tests start: `.js` is found as `.ts`, and compiled as it is built. */
const options = JSON.parse(readFileSync(new URL('../../.swcrc', import.meta.url), 'utf8'));

registerHooks({
  resolve(specifier, context, next) {
    const isOwn = /^(\.{1,2}\/|file:).*\.js$/.test(specifier) && !specifier.includes('/node_modules/');
    const url = isOwn ? new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL) : undefined;
    if (url && !url.pathname.includes('/node_modules/') && existsSync(url)) {
      return { url: url.href, format: 'module', shortCircuit: true };
    }
    return next(specifier, context);
  },
  load(url, context, next) {
    if (!url.endsWith('.ts')) return next(url, context);
    const filename = fileURLToPath(url);
    const { code } = swc.transformSync(readFileSync(filename, 'utf8'), {
      ...options,
      filename,
      swcrc: false,
      sourceMaps: 'inline',
    });
    return { source: code, format: 'module', shortCircuit: true };
  },
});
