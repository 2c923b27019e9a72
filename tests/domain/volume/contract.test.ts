import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SNAPSHOT_STATUSES, VOLUME_STATUSES } from '../../../src/domain/volume/statuses.ts';
import {
  isMigrating,
  MIGRATION_STATUSES,
  SNAPSHOT_STATUS_UPDATES,
  SNAPSHOT_TRANSITIONS,
  type Transition,
  VOLUME_TRANSITIONS,
} from '../../../src/domain/volume/transitions.ts';
import contract from '../../contract/states.json' with { type: 'json' };
import { DIFFERENCES } from './contract-differences.ts';

const valuesOf = (of: { readonly values: readonly { readonly status: string }[] }) =>
  of.values.map(({ status }) => status);

interface Deviation {
  readonly transition: string;
  readonly kind: 'allowed' | 'allowedWhen' | 'refused';
  readonly status: string;
}

/** Where the contract says from which statuses of the volume a command is allowed: its matrix, or the transition's list. */
function contractOf(id: string): { readonly from: readonly string[]; readonly when: readonly string[] } {
  const transition = contract.transitions.find((one) => one.id === id);
  if (transition === undefined) throw new Error(`${id} is not in the contract`);
  const { allowedFrom } = transition;
  if (allowedFrom === null) return { from: [], when: [] };
  if (id.startsWith('snapshot.') && id !== 'snapshot.create') {
    return { from: allowedFrom === 'any' ? SNAPSHOT_STATUSES : (allowedFrom as string[]), when: [] };
  }
  if (id === 'transfer.delete') return { from: VOLUME_STATUSES, when: [] };
  const byStatus = Object.entries(contract.volumeStatusMatrix.byStatus);
  return {
    from: byStatus.filter(([, { allowed }]) => allowed.includes(id)).map(([status]) => status),
    when: byStatus
      .filter(([, { allowedWhen }]) => allowedWhen.some(({ command }) => command === id))
      .map(([status]) => status),
  };
}

function deviationsOf(rule: Transition): Deviation[] {
  if (rule.contract === null) return [];
  const transition = rule.contract;
  const { from, when } = contractOf(transition);
  const conditional = rule.alsoFrom.map(({ status }) => status);
  const reachable = [...rule.from, ...conditional];
  return [
    ...rule.from
      .filter((status) => !from.includes(status))
      .map((status) => ({ transition, kind: 'allowed' as const, status })),
    ...conditional
      .filter((status) => !from.includes(status) && !when.includes(status))
      .map((status) => ({ transition, kind: 'allowedWhen' as const, status })),
    ...[...from, ...when]
      .filter((status) => !reachable.includes(status))
      .map((status) => ({ transition, kind: 'refused' as const, status })),
  ];
}

const rules: readonly Transition[] = [...Object.values(VOLUME_TRANSITIONS), ...Object.values(SNAPSHOT_TRANSITIONS)];
const sorted = (deviations: readonly Deviation[]) =>
  [...new Set(deviations.map(({ transition, kind, status }) => `${transition} ${kind} ${status}`))].sort();

describe('the transition tables and the contract', () => {
  it('know the same statuses of a volume', () => {
    expect([...VOLUME_STATUSES].sort()).toEqual(valuesOf(contract.enums.volume).sort());
  });

  it('know the same statuses of a snapshot, except that a deleted one is not there', () => {
    expect([...SNAPSHOT_STATUSES, 'deleted'].sort()).toEqual(valuesOf(contract.enums.snapshot).sort());
  });

  it('know the same migration statuses, except those that only a migration itself writes', () => {
    const written = ['target:<volume id>', 'deleting'];
    expect([...MIGRATION_STATUSES, ...written].sort()).toEqual(valuesOf(contract.enums.migrationStatus).sort());
    const idle = contract.enums.migrationStatus.idleSet.values;
    for (const status of [null, ...MIGRATION_STATUSES, ...written]) {
      expect(isMigrating(status), String(status)).toBe(!idle.includes(status));
    }
  });

  it('have the same transitions', () => {
    const ours = new Set(rules.flatMap(({ contract: id }) => (id === null ? [] : [id])));
    expect([...ours].sort()).toEqual(contract.transitions.map(({ id }) => id).sort());
  });

  it('allow every command from the same statuses, but for the differences that are listed', () => {
    const listed = DIFFERENCES.flatMap(({ transition, allowed = [], allowedWhen = [], refused = [] }) => [
      ...allowed.map((status) => ({ transition, kind: 'allowed' as const, status })),
      ...allowedWhen.map((status) => ({ transition, kind: 'allowedWhen' as const, status })),
      ...refused.map((status) => ({ transition, kind: 'refused' as const, status })),
    ]);
    expect(sorted(rules.flatMap(deviationsOf))).toEqual(sorted(listed));
  });

  it('put a volume or snapshot in the same status while an operation works', () => {
    for (const { contract: id, during } of rules) {
      if (id === null || during === null) continue;
      const transitional = contract.transitions.find((one) => one.id === id)?.transitional;
      expect(transitional, id).toMatch(new RegExp(`^${during}\\b`));
    }
  });

  it('let the compute service move a snapshot along the same ways', () => {
    const said = contract.transitions.find(({ id }) => id === 'snapshot.update-status')?.onSuccess;
    const [creating, deleting] = [SNAPSHOT_STATUS_UPDATES.creating, SNAPSHOT_STATUS_UPDATES.deleting];
    expect(creating).toEqual(['creating', 'available', 'error']);
    expect(said).toBe(`from creating: creating, available or error; from deleting: ${deleting?.join(' or ')}`);
  });

  it('differ only where docs/differences.md says why', () => {
    const page = readFileSync(new URL('../../../docs/differences.md', import.meta.url), 'utf8');
    for (const { reason } of DIFFERENCES) expect(page).toContain(reason);
  });
});
