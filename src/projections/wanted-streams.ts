import type { StreamFilter } from '../ports/event-store.ts';

export function wants({ prefixes }: StreamFilter, stream: string): boolean {
  for (const prefix of prefixes) if (stream.startsWith(prefix)) return true;
  return false;
}

/** What all streams of one kind begin with, `volume-` of `volume-<id>`; empty where that cannot be told. */
export const streamKindOf = (stream: string): string => stream.slice(0, stream.indexOf('-') + 1);

/**
 * Whether a filter lets a stream through. Every collection asks this of every event, so what holds for all streams of a
 * kind is remembered.
 */
export function rememberWants(filter: StreamFilter): (stream: string, kind: string) => boolean {
  const isSettledBy = (kind: string): boolean =>
    kind !== '' && filter.prefixes.every((prefix) => prefix.length <= kind.length || !prefix.startsWith(kind));
  const known = new Map<string, boolean>();
  return (stream, kind) => {
    const before = known.get(kind);
    if (before !== undefined) return before;
    const verdict = wants(filter, stream);
    if (isSettledBy(kind) && known.size < MOST_KINDS) known.set(kind, verdict);
    return verdict;
  };
}

/** Streams of other programs may be called anything. */
const MOST_KINDS = 100;
