import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { volumeEvents } from '../../src/domain/volume/events.ts';
import { volumeDecider } from '../../src/domain/volume/index.ts';
import { documentsOf, eventOf } from './fold.ts';

const folder = import.meta.dirname;
const versions = globSync('*.events.jsonl', { cwd: folder }).map((file) => basename(file, '.events.jsonl'));

describe('the log of every released version', () => {
  it('is there', () => {
    expect(versions).toContain('0.1.0');
  });

  it.each(versions)('%s is read, and comes to the same read models as on the day it was recorded', (version) => {
    const events = readFileSync(join(folder, `${version}.events.jsonl`), 'utf8')
      .trimEnd()
      .split('\n')
      .map(eventOf);
    const expected: unknown = JSON.parse(readFileSync(join(folder, `${version}.documents.json`), 'utf8'));
    expect(JSON.parse(JSON.stringify(documentsOf(events)))).toEqual(expected);
  });

  it('of 0.1.0 has every event of a volume that a driver that never fails can cause', () => {
    const lines = readFileSync(join(folder, '0.1.0.events.jsonl'), 'utf8').trimEnd().split('\n').map(eventOf);
    const seen = new Set(lines.map(({ type }) => type));
    const missing = volumeEvents.types.filter((type) => !seen.has(type));
    expect(missing.sort()).toEqual([
      'RequestLapsed',
      'SnapshotCreationFailed',
      'SnapshotDeletionFailed',
      'VolumeDeletionFailed',
      'VolumeExtensionFailed',
      'VolumeRevertFailed',
    ]);
  });

  it('of 0.1.0 leaves each volume in the state its last event says', () => {
    const lines = readFileSync(join(folder, '0.1.0.events.jsonl'), 'utf8').trimEnd().split('\n').map(eventOf);
    const states = new Map<string, typeof volumeDecider.initial>();
    for (const event of lines.filter(({ stream }) => stream.startsWith('volume-'))) {
      const decoded = volumeEvents.decode(event.type, event.metadata.schemaVersion, event.data);
      states.set(event.stream, volumeDecider.evolve(states.get(event.stream) ?? volumeDecider.initial, decoded));
    }
    const live = [...states.values()].filter(({ volume }) => volume !== null && !volume.deleted);
    expect(live.map(({ volume }) => volume?.name)).toEqual(['from snapshot']);
    expect(live.every(({ volume }) => volume?.owner === null)).toBe(true);
  });
});
