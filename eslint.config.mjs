// @ts-check
import js from '@eslint/js';
import boundaries from 'eslint-plugin-boundaries';
import tseslint from 'typescript-eslint';

/** The layers of ARCHITECTURE.md: every file belongs to exactly one. */
const layers = [
  { type: 'protocol', pattern: 'server/src/protocol.ts' },
  { type: 'settings', pattern: 'server/src/settings.ts' },
  { type: 'log', pattern: 'server/src/log.ts' },
  { type: 'main', pattern: 'server/src/main.ts' },
  { type: 'cli', pattern: ['server/src/cli.ts', 'server/src/cli/**'] },
  { type: 'messages', pattern: 'server/src/inference/messages.ts' },
  { type: 'inferenceClient', pattern: 'server/src/inference/(inferenceClient|forkWorker).ts' },
  { type: 'inference', pattern: 'server/src/inference/!(messages|inferenceClient|forkWorker).ts' },
  { type: 'providers', pattern: 'server/src/providers/**' },
  { type: 'base', pattern: 'server/src/base/**' },
  { type: 'tokenizer', pattern: 'server/src/tokenizer/**' },
  { type: 'diffusion', pattern: 'server/src/diffusion/**' },
  { type: 'runtime', pattern: 'server/src/runtime/**' },
  { type: 'completion', pattern: 'server/src/completion/**' },
  { type: 'features', pattern: 'server/src/features/**' },
  { type: 'client', pattern: 'client/**' },
  { type: 'bench', pattern: 'bench/**' },
  { type: 'languageServer', pattern: 'test/lsp/languageServer.ts' },
  { type: 'test', pattern: ['test/*.ts', 'test/!(lsp)/**', 'test/lsp/!(languageServer).ts'] },
];

/** What each layer may import besides itself. Whatever is not named here is forbidden. */
const mayImport = {
  protocol: [],
  messages: ['base'],
  base: [],
  settings: ['base', 'protocol'],
  log: ['base', 'settings', 'protocol'],
  tokenizer: ['base'],
  diffusion: ['base'],
  runtime: ['base', 'tokenizer', 'diffusion'],
  inference: ['base', 'tokenizer', 'diffusion', 'runtime', 'messages'],
  completion: ['base', 'messages'],
  inferenceClient: ['base', 'messages', 'completion'],
  providers: ['base', 'messages', 'inferenceClient'],
  features: ['base', 'messages', 'completion', 'protocol', 'settings', 'log'],
  main: [
    'base',
    'messages',
    'completion',
    'features',
    'inferenceClient',
    'providers',
    'protocol',
    'settings',
    'log',
  ],
  cli: ['base', 'messages', 'completion', 'inferenceClient', 'providers'],
  client: ['protocol'],
  // What measures the server and what tests it look at all of it; both speak to it through the same stand-in.
  languageServer: ['protocol'],
  bench: layers.map((layer) => layer.type).filter((type) => !['bench', 'client', 'test'].includes(type)),
  test: layers.map((layer) => layer.type).filter((type) => type !== 'test'),
};

/** Packages that only some layers may import. */
const packages = {
  vscode: ['client', 'test'],
  'vscode-languageclient': ['client', 'test'],
  'vscode-languageserver': ['features', 'log', 'main', 'bench', 'languageServer', 'test'],
  'onnxruntime-node': ['runtime', 'bench', 'test'],
  '@huggingface/tokenizers': ['tokenizer', 'test'],
  '@vscode/tree-sitter-wasm': ['completion', 'test'],
};

const boundaryPolicies = [
  ...Object.entries(mayImport).map(([from, targets]) => ({
    from: { file: { categories: from } },
    allow: { to: { file: { categories: { anyOf: [from, ...targets] } } } },
  })),
  { allow: { to: { module: { origin: ['external', 'core'] } } } },
];

/** One config a layer that forbids the packages it may not import, types included. */
const packageRules = layers.map(({ type, pattern }) => ({
  files: [pattern].flat(),
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: Object.entries(packages)
          .filter(([, allowed]) => !allowed.includes(type))
          .map(([name, allowed]) => ({
            regex: `^${name}(/|$)`,
            message: `Only ${allowed.join(', ')} may import ${name}.`,
          })),
      },
    ],
  },
}));

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'out/',
      'node_modules/',
      'models/',
      'examples/',
      '.vscode-test/',
      'test/e2e/host/',
      'test/fixtures/',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    plugins: { boundaries },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      'boundaries/files': layers.map(({ type, pattern }) => ({ category: type, pattern })),
      'boundaries/include': ['client/**', 'server/**', 'bench/**', 'test/**'],
      'import/resolver': { node: { extensions: ['.ts', '.mjs', '.js'] } },
    },
    rules: {
      'boundaries/dependencies': ['error', { default: 'disallow', policies: boundaryPolicies }],
      'boundaries/no-unknown-files': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  ...packageRules,
  {
    // Typed arrays whose bounds the loop itself sets: `x[i]!` says so, where `?? 0` would hide a mistake.
    files: ['server/src/{diffusion,runtime,tokenizer,inference}/**/*.ts', 'test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.cjs', '**/*.js'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        require: 'readonly',
        module: 'writable',
        __dirname: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
);
