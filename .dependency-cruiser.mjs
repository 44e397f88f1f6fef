/**
 * Who may import whom: the table of docs/architecture.md, enforced.
 * A lib that is not named for an importer must not be imported by it; contracts
 * imports nothing at all and has a rule of its own.
 */
const IMPORTS = {
  config: [],
  telemetry: ['config'],
  database: ['contracts', 'config', 'telemetry'],
  redis: ['config'],
  queue: ['contracts', 'config', 'redis', 'telemetry'],
  channels: ['contracts', 'config', 'redis', 'telemetry'],
  instances: ['config', 'redis', 'telemetry'],
  auth: ['contracts', 'config', 'database', 'telemetry'],
  http: ['contracts', 'config', 'database', 'redis'],
  ledger: ['contracts', 'database', 'telemetry'],
  resources: ['contracts', 'database', 'telemetry'],
  actions: ['contracts', 'config', 'database', 'ledger', 'queue', 'resources', 'telemetry'],
  publishing: ['contracts', 'channels', 'database', 'ledger'],
  client: ['contracts'],
};

const SPEC = '\\.spec\\.ts$';

/** Needs no test runner, unlike the rest of its lib. */
const LEDGER_CHECK = '^libs/testing/src/ledger-check\\.ts$';

const libBoundaries = Object.entries(IMPORTS).map(([lib, allowed]) => ({
  name: `${lib}-imports`,
  comment: `libs/${lib} may import ${allowed.map((name) => `#${name}`).join(', ') || 'no other lib'}.`,
  severity: 'error',
  from: { path: `^libs/${lib}/`, pathNot: SPEC },
  to: { path: '^libs/', pathNot: `^libs/(${[lib, ...allowed].join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...libBoundaries,
    {
      name: 'contracts-import-nothing',
      comment: 'libs/contracts is the vocabulary of servers and browsers: it stands alone.',
      severity: 'error',
      from: { path: '^libs/contracts/', pathNot: SPEC },
      to: { pathNot: '^libs/contracts/' },
    },
    {
      name: 'apps-stand-alone',
      comment: 'An app never imports another app: what two need belongs into a lib.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: SPEC },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'console-uses-the-client',
      comment: 'The console is a client like any other: #client and #contracts are all it gets.',
      severity: 'error',
      from: { path: '^apps/console/', pathNot: SPEC },
      to: { path: '^libs/', pathNot: '^libs/(client|contracts)/' },
    },
    {
      name: 'libs-know-no-app',
      severity: 'error',
      from: { path: '^libs/', pathNot: SPEC },
      to: { path: '^(apps|bench|chaos|test)/' },
    },
    {
      name: 'lib-by-index-only',
      comment: 'Other code imports a lib as #lib, which is its index.ts, and nothing deeper.',
      severity: 'error',
      from: { path: '^(apps|bench|chaos|infra|test)/', pathNot: SPEC },
      to: { path: '^libs/', pathNot: LEDGER_CHECK, dependencyTypesNot: ['aliased-subpath-import'] },
    },
    {
      name: 'lib-by-index-only-from-libs',
      comment: 'Another lib is imported as #lib, which is its index.ts, and nothing deeper.',
      severity: 'error',
      from: { path: '^libs/([^/]+)/', pathNot: SPEC },
      to: { path: '^libs/', pathNot: '^libs/$1/', dependencyTypesNot: ['aliased-subpath-import'] },
    },
    {
      name: 'lib-does-not-import-itself-by-name',
      severity: 'error',
      from: { path: '^libs/([^/]+)/', pathNot: SPEC },
      to: { path: '^libs/$1/', dependencyTypes: ['aliased-subpath-import'] },
    },
    {
      name: 'testing-only-in-tests',
      comment: '#testing is for specs, test/ and chaos/; bench judges ledgers as the tests do.',
      severity: 'error',
      from: { pathNot: [SPEC, '^(chaos|test)/', '^libs/testing/'] },
      to: { path: '^libs/testing/', pathNot: LEDGER_CHECK },
    },
    {
      name: 'ledger-check-for-benches',
      severity: 'error',
      from: { pathNot: [SPEC, '^(bench|chaos|test)/', '^libs/testing/'] },
      to: { path: LEDGER_CHECK },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      // Only the types of aws-lambda exist: there is nothing to import when it runs.
      comment: 'The import leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^aws-lambda$' },
    },
    {
      name: 'declared-packages-only',
      comment: 'Every package is named in package.json; what runs in production is no devDependency.',
      severity: 'error',
      from: {
        path: '^(apps|libs)/',
        pathNot: [SPEC, '^apps/console/', '^libs/testing/', '^libs/client/(src/react/|tsup)'],
      },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'types', 'import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
    reporterOptions: {
      archi: {
        collapsePattern: '^(apps|libs)/[^/]+',
        theme: { graph: { rankdir: 'TB' } },
      },
    },
  },
};
