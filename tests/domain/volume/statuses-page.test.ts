import { expect, it } from 'vitest';
import { SNAPSHOT_STATUSES, VOLUME_STATUSES } from '../../../src/domain/volume/statuses.ts';
import { SNAPSHOT_TRANSITIONS, type Transition, VOLUME_TRANSITIONS } from '../../../src/domain/volume/transitions.ts';

/** `the volume's statuses` as a table: a row for each command. */
function tableOf(transitions: Record<string, Transition>, all: readonly string[]): string[] {
  const from = ({ from: statuses, alsoFrom }: Transition): string => {
    const missing = all.filter((status) => !statuses.includes(status));
    const said =
      missing.length === 0
        ? 'any'
        : statuses.length > missing.length
          ? `any but ${missing.join(', ')}`
          : statuses.length === 0
            ? 'nothing: the stream must be empty'
            : statuses.join(', ');
    const whens = [...new Set(alsoFrom.map(({ when }) => when))].map((when) => {
      const also = alsoFrom.filter((one) => one.when === when).map(({ status }) => status);
      return `${also.length === all.length ? 'any' : also.join(', ')} when: ${when}`;
    });
    return [said, ...whens].join('; ');
  };
  return [
    '| command | allowed from | otherwise | meanwhile | then | on failure |',
    '|---|---|---|---|---|---|',
    ...Object.entries(transitions).map(
      ([command, rule]) =>
        `| ${command} | ${from(rule)} | ${rule.otherwise} | ${rule.during ?? ''} | ${rule.succeeds.join(', ')} | ${rule.fails.join(', ')} |`,
    ),
  ];
}

const page = [
  '# Statuses of volumes and snapshots',
  '',
  'Made from the tables that decide (`src/domain/volume/transitions.ts`) by `npx vitest run tests/domain/volume/statuses-page.test.ts -u`.',
  'Other conditions of each command still apply; where Scoria differs from the original, [differences.md](differences.md) says why.',
  '',
  '## By status of the volume',
  '',
  ...tableOf(VOLUME_TRANSITIONS, VOLUME_STATUSES),
  '',
  '## By status of the snapshot',
  '',
  ...tableOf(SNAPSHOT_TRANSITIONS, SNAPSHOT_STATUSES),
  '',
].join('\n');

it('docs/volume-statuses.md says what the tables say', async () => {
  await expect(page).toMatchFileSnapshot('../../../docs/volume-statuses.md');
});
