import { readFileSync, statSync } from 'node:fs';
import { type PlacementOptions, parsePlacementOptions } from '../../domain/placement/options.ts';
import type { Clock } from '../../ports/clock.ts';

/** How often the file is looked at, at most, in ms. */
const LOOK_EVERY_MS = 1_000;

/**
 * Placement options from a JSON file, read again when it changes. The first read must succeed (an unknown filter is a
 * start-up error); a later one that cannot be used is reported, and what was good before stays.
 */
export function watchPlacementOptions(
  file: string,
  clock: Clock,
  onProblem: (error: unknown) => void,
): () => PlacementOptions {
  let options = parsePlacementOptions(JSON.parse(readFileSync(file, 'utf8')));
  let version = versionOf(file);
  let lookedAt = clock.monotonicMs();
  return () => {
    const now = clock.monotonicMs();
    if (now - lookedAt < LOOK_EVERY_MS) return options;
    lookedAt = now;
    try {
      const found = versionOf(file);
      if (found === version) return options;
      version = found;
      options = parsePlacementOptions(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
      onProblem(error);
    }
    return options;
  };
}

function versionOf(file: string): string {
  const { mtimeMs, size, ino } = statSync(file);
  return `${mtimeMs} ${size} ${ino}`;
}
