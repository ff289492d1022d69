import { readFileSync } from 'node:fs';

const swc = JSON.parse(readFileSync(new URL('./.swcrc', import.meta.url), 'utf8'));

const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^\\./thread-entry\\.js$': '<rootDir>/test/kit/thread-entry.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: { '^.+\\.ts$': ['@swc/jest', { ...swc, swcrc: false, sourceMaps: 'inline' }] },
  // Nest is ESM only: its packages are evaluated first, so that CommonJS packages may require() them without a cycle.
  setupFiles: ['<rootDir>/test/kit/setup.mjs'],
};
const postgres = {
  globalSetup: '<rootDir>/test/kit/global-setup.mjs',
  globalTeardown: '<rootDir>/test/kit/global-teardown.mjs',
  // Every answer that a test fetches is held against the OpenAPI document.
  setupFilesAfterEnv: ['<rootDir>/test/kit/contract/check-answers.ts'],
};

/** The kinds of test (ARCHITECTURE.md): unit beside the code, medium on PostgreSQL, conformance of xDS, e2e over HTTP and gRPC, envoy. */
export default {
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/{src,bench}/**/*.spec.ts'] },
    { ...base, ...postgres, displayName: 'medium', testMatch: ['<rootDir>/test/medium/**/*.spec.ts'] },
    { ...base, ...postgres, displayName: 'conformance', testMatch: ['<rootDir>/test/conformance/**/*.spec.ts'] },
    { ...base, ...postgres, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.spec.ts'] },
    { ...base, ...postgres, displayName: 'envoy', testMatch: ['<rootDir>/test/envoy/**/*.spec.ts'] },
  ],
  // Only a guard against hanging: two cores may be shared with much else.
  testTimeout: 120_000,
  maxWorkers: 2,
  workerIdleMemoryLimit: '1GB',
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', '!src/**/*.spec.ts', '!src/main.ts'],
  coverageReporters: ['text-summary', 'lcov', 'json-summary'],
  coverageThreshold: { global: { lines: 85 } },
};
