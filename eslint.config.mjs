import js from '@eslint/js';
import ts from 'typescript-eslint';

/** Strict, type-checked rules; the few that are off are off for the reason beside them. */
export default ts.config(
  {
    ignores: [
      '**/dist/**',
      'clients/typescript/src/generated/**',
      'coverage/**',
      '.cache/**',
      '.data/**',
      'node_modules/**',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [ts.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      complexity: ['error', 16],
      'max-lines': ['error', { max: 420, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 5],
      '@typescript-eslint/explicit-function-return-type': ['error', { allowExpressions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `option<string>(rules, 'prefix')` reads better than a cast at each call.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // Abstract classes are injection tokens here; what an implementation needs is their shape.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Nest modules are classes whose whole content is their decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Read settings through common/config.' },
      ],
    },
  },
  {
    files: ['src/common/config/**', 'test/**/*.ts', 'bench/**/*.ts', 'tools/**/*.ts', 'demo/**/*.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts'],
    rules: {
      'max-lines': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/explicit-function-return-type': 'off',
    },
  },
  {
    // Answers of a server under test are JSON whose shape the test asserts; typing it first would assert it twice.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // MikroORM fills entity fields, so `!` states what the database guarantees.
    files: ['**/entities/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        module: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
);
