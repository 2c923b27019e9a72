import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { afterAll, describe, expect, it } from 'vitest';

/** Which folders of src a folder may import from, besides itself (DESIGN section 2). */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  ports: ['domain'],
  drivers: ['domain', 'ports'],
  commands: ['domain', 'ports', 'drivers'],
  projections: ['domain', 'ports', 'drivers'],
  sagas: ['domain', 'ports', 'drivers', 'commands', 'projections'],
  api: ['domain', 'ports', 'drivers', 'commands', 'projections', 'sagas'],
  adapters: ['domain', 'ports'],
  'eventstore-server': ['domain', 'ports'],
  'log-copy': ['domain', 'ports'],
};

/** Adapters see of the drivers only their ports. */
const PORTS_OF_DRIVERS = '^src/drivers/[^/]+/driver\\.ts$';

const forbidden = [
  ...Object.entries(LAYERS).map(([layer, allowed]) => ({
    name: `${layer}-imports-only-its-left`,
    severity: 'error' as const,
    from: { path: `^src/${layer}/` },
    to: {
      path: '^src/',
      pathNot: [`^src/(${[layer, ...allowed].join('|')})/`, ...(layer === 'adapters' ? [PORTS_OF_DRIVERS] : [])],
    },
  })),
  {
    name: 'domain-is-pure',
    severity: 'error' as const,
    from: { path: '^src/domain/' },
    to: { dependencyTypes: ['core' as const] },
  },
  {
    name: 'no-cycles',
    severity: 'error' as const,
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only' as const] } },
  },
];

async function violationsOf(folder: string): Promise<readonly string[]> {
  const result = await cruise(
    ['src'],
    {
      baseDir: folder,
      ruleSet: { forbidden },
      validate: true,
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
    },
    { extensions: ['.ts', '.js'] },
  );
  const { summary } = result.output as ICruiseResult;
  if (summary.totalCruised === 0) throw new Error('nothing was read: the check would pass everything');
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
}

const planted = mkdtempSync(join(import.meta.dirname, '..', 'node_modules', '.architecture-'));
afterAll(() => rmSync(planted, { recursive: true, force: true }));

function plant(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(planted, 'tree-'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

describe('the architecture', () => {
  it('is kept: a folder imports only from those on its left', async () => {
    expect(await violationsOf(join(import.meta.dirname, '..'))).toEqual([]);
  });

  it.each([
    ['domain', 'adapters/sqlite/store'],
    ['domain', 'ports/clock'],
    ['commands', 'projections/volumes'],
    ['projections', 'commands/handle'],
    ['sagas', 'api/app'],
    ['api', 'adapters/sqlite/store'],
    ['adapters', 'commands/handle'],
    ['adapters', 'drivers/storage/file/file-driver'],
    ['eventstore-server', 'adapters/sqlite/store'],
    ['eventstore-server', 'projections/volumes'],
  ])('the check finds a planted import of %s from %s, also of a type alone', async (layer, target) => {
    const up = '../'.repeat(2);
    for (const keyword of ['import', 'import type']) {
      const folder = plant({
        [`src/${layer}/part/planted.ts`]: `${keyword} { thing } from '${up}${target}.ts';\nexport type Planted = typeof thing;\n`,
        [`src/${target}.ts`]: 'export const thing = 1;\n',
      });
      expect(await violationsOf(folder)).toContainEqual(expect.stringContaining(`${layer}-imports-only-its-left`));
    }
  });

  it('the check lets an adapter see the port of a driver', async () => {
    const folder = plant({
      'src/adapters/part/fine.ts':
        "import type { thing } from '../../drivers/storage/driver.ts';\nexport type Fine = typeof thing;\n",
      'src/drivers/storage/driver.ts': 'export const thing = 1;\n',
    });
    expect(await violationsOf(folder)).toEqual([]);
  });

  it('only the configuration reads the environment, and no file of src is over 400 lines', () => {
    const readers: string[] = [];
    const long: string[] = [];
    for (const file of globSync('src/**/*.ts', { cwd: join(import.meta.dirname, '..') })) {
      const text = readFileSync(join(import.meta.dirname, '..', file), 'utf8');
      if (text.includes('process.env')) readers.push(file);
      if (text.split('\n').length > 401) long.push(file);
    }
    expect(readers).toEqual(['src/config.ts']);
    expect(long).toEqual([]);
  });

  it('the check finds node modules in the domain', async () => {
    const folder = plant({
      'src/domain/planted.ts': "import { readFileSync } from 'node:fs';\nexport const planted = readFileSync;\n",
    });
    expect(await violationsOf(folder)).toContainEqual(expect.stringContaining('domain-is-pure'));
  });
});
