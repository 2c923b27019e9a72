import { describe, expect, it } from 'vitest';
import { type Form, lastKept, ratiosAgainst } from '../../bench/kept.ts';

const machine = { date: '2026-11-01T00:00:00Z', commit: 'abc1234', processor: '2 x CPU', memoryGiB: 24, node: 'v24' };

describe.each<Form>(['short', 'long'])('the last result of the %s form', (form) => {
  const kept = lastKept(form);

  it('says when it was measured, where and of what', () => {
    expect(kept?.machine.commit).toMatch(/^[0-9a-f]{7,}$/);
    expect(kept?.machine.date).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(kept?.machine.processor).not.toBe('');
  });

  it('has each figure once, so that the next run finds it', () => {
    const names = kept?.figures.map(({ what }) => what) ?? [];
    expect(names).toContain('create accepted, 16 at a time');
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('what is measured against what was kept', () => {
  const before = {
    machine,
    figures: [
      { what: 'create', per_second: 100, p50_ms: 20, note: 'then' },
      { what: 'lag', p99_ms: 0 },
      { what: 'gone', per_second: 5 },
    ],
  };

  it('is told as the ratio of each value that both have', () => {
    const now = [{ what: 'create', per_second: 150, p50_ms: 10, p99_ms: 30 }];
    expect(ratiosAgainst(before, now).slice(1)).toEqual(['create: per_second x1.50, p50_ms x0.50']);
  });

  it('leaves out what has nothing to be compared with', () => {
    const now = [
      { what: 'new', per_second: 1 },
      { what: 'lag', p99_ms: 3 },
      { what: 'gone', p50_ms: 1 },
    ];
    expect(ratiosAgainst(before, now)).toEqual(['against abc1234 of 2026-11-01T00:00:00Z on 2 x CPU']);
  });
});
