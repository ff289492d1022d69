/** Imports run one way (ARCHITECTURE.md): each module may use those left of it, through their index only. */
const order = ['common', 'tenancy', 'infrastructure', 'xds', 'versioning', 'deployments', 'observability'];

const rightwards = order.slice(0, -1).map((module, i) => ({
  name: `module-order-${module}`,
  comment: `${module} may not import what stands right of it; what must be told leftwards travels as an event`,
  severity: 'error',
  from: { path: `^src/${module}/` },
  to: { path: `^src/(${order.slice(i + 1).join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...rightwards,
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'only-via-index',
      comment: 'Another domain module is used through its index.ts only',
      severity: 'error',
      from: { path: '^src/(tenancy|infrastructure|xds|versioning|deployments|observability)/' },
      to: {
        path: '^src/(tenancy|infrastructure|xds|versioning|deployments|observability)/',
        // A thread loads the light face of a module.
        pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$', '^src/[^/]+/in-threads\\.ts$'],
      },
    },
    {
      name: 'only-via-index-from-outside',
      severity: 'error',
      from: { path: '^src/(cli/|[^/]+\\.ts$)' },
      to: {
        path: '^src/(tenancy|infrastructure|xds|versioning|deployments|observability)/',
        pathNot: ['^src/[^/]+/index\\.ts$'],
      },
    },
    {
      name: 'common-knows-no-domain',
      severity: 'error',
      from: { path: '^src/common/' },
      to: { path: '^src/(?!common/)' },
    },
    {
      name: 'pure-protocol',
      comment: 'The state machines of the protocol know neither transport nor framework nor database',
      severity: 'error',
      from: { path: '^src/xds/server/(subscription|sotw-stream|delta-stream|sequencer|wire)' },
      to: { path: '(@nestjs|@mikro-orm|@grpc|node_modules/pg)' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: ['\\.spec\\.ts$', '^src/main\\.ts$', '\\.d\\.ts$'] },
      to: {},
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.spec\\.ts$' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
