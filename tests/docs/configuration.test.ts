import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configKeys } from '../../src/cli/config.ts';
import { configSchema, loadConfig } from '../../src/config.ts';
import { parsePlacementOptions, placementOptionsSchema } from '../../src/domain/placement/options.ts';

/** `npm run docs:config` writes the tables of docs/configuration.md; here they are held to what the schemas say. */

const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = join(ROOT, 'docs', 'configuration.md');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
const code = (text: string): string => (text === '' ? '' : `\`${text.replaceAll('|', '\\|')}\``);

function tableOf(keys: ReturnType<typeof configKeys>): string {
  const rows = keys.map(
    ({ key, type, default: fallback, meaning }) =>
      `| ${code(key)} | ${cell(type)} | ${code(fallback)} | ${cell(meaning)} |`,
  );
  return ['| key | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

/** The page with this part between its marks; throws where the page has no such part. */
function withPart(page: string, part: string, content: string): string {
  const [begin, end] = [`<!-- ${part}: begin -->`, `<!-- ${part}: end -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/configuration.md has no part named ${part}`);
  return `${page.slice(0, from + begin.length)}\n${content}\n${page.slice(to)}`;
}

it('docs/configuration.md names every key as the schemas have it', async () => {
  const before = readFileSync(PAGE, 'utf8');
  const configured = withPart(before, 'configuration', tableOf(configKeys(configSchema)));
  const page = withPart(configured, 'placement options', tableOf(configKeys(placementOptionsSchema)));
  await expect(page).toMatchFileSnapshot(PAGE);
});

it('every key of the reference has a meaning', () => {
  const silent = [...configKeys(configSchema), ...configKeys(placementOptionsSchema)].filter(
    ({ meaning }) => meaning === '',
  );
  expect(silent.map(({ key }) => key)).toEqual([]);
});

it('the example configuration can be used', () => {
  const config = loadConfig({ file: join(ROOT, 'examples', 'scoria.yaml'), env: {} });
  expect(config.storage.backends.map(({ name }) => name)).toEqual(['fast', 'bulk']);
});

it('the example placement options can be used', () => {
  const text = readFileSync(join(ROOT, 'examples', 'placement-options.json'), 'utf8');
  expect(parsePlacementOptions(JSON.parse(text))).toMatchObject({ weighers: ['CapacityWeigher', 'GoodnessWeigher'] });
});
