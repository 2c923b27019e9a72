import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What the pages name must be there: links, headings, files, scripts. */

const ROOT = join(import.meta.dirname, '..', '..');
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'bench/RESULTS.md',
  ...globSync('docs/**/*.md', { cwd: ROOT }),
];

const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** What the renderer makes of a heading: lower case, no punctuation, dashes for spaces. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (page: string): ReadonlySet<string> =>
  new Set([...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading)));

const linksOf = (page: string): readonly string[] =>
  [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^\w+:/.test(target));

function brokenLink(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(ROOT, target))) return true;
  return anchor !== undefined && !anchorsOf(target).has(anchor);
}

/** Files of the project that a page names in code, wildcards and placeholders left out. */
const filesNamedIn = (page: string): readonly string[] =>
  [...textOf(page).matchAll(/`((?:src|tests|docs|bench|examples|bin|\.ci)\/[\w./-]+)`/g)].map(([, file = '']) => file);

const scriptsNamedIn = (page: string): readonly string[] =>
  [...textOf(page).matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, script = '']) => script);

describe.each(PAGES)('%s', (page) => {
  it('links to what is there', () => {
    expect(linksOf(page).filter((link) => brokenLink(page, link))).toEqual([]);
  });

  it('names files that are there', () => {
    expect(filesNamedIn(page).filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it('names scripts that are there', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Readonly<Record<string, string>> };
    expect(scriptsNamedIn(page).filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
  });
});
