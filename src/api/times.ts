import type { Instant } from '../domain/kernel/units.ts';

/** UTC without a zone, always six fraction digits: `2018-11-29T06:50:07.770000` (contract/errors.md §6). */
export const apiTime = (at: Instant): string => `${new Date(at).toISOString().slice(0, -1)}000`;

export const apiTimeOrNull = (at: Instant | null): string | null => (at === null ? null : apiTime(at));
