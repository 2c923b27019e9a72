import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { volumeStream } from '../../src/commands/streams.ts';
import type { Config } from '../../src/config.ts';
import { BYTES_PER_GIB } from '../../src/domain/kernel/units.ts';
import { snapshotsOf } from '../../src/domain/volume/index.ts';
import type { LiveVolume } from '../../src/domain/volume/state.ts';
import type { Position } from '../../src/ports/event-store.ts';
import { snapshotFile, volumeFile } from './backend-files.ts';
import type { LogView, Violation } from './log-view.ts';

/** What clients wrote to their volumes: it must be there, and in everything that was made from them. */
export interface Contents {
  /** Writes its id to every volume that was made empty and has nothing yet; nothing else may be under way. */
  write(log: LogView, config: Config): void;
  /** Files that hold anything but what was written to the volume they come from. */
  differences(log: LogView, config: Config): readonly Violation[];
}

/** Behind the first block and before the end of the smallest volume, so that copies have holes on both sides. */
const PLACES = [8_192, BYTES_PER_GIB - 4_096];
const LENGTH = 36;

function written(file: string, at: number): string {
  const bytes = Buffer.alloc(LENGTH);
  const descriptor = openSync(file, 'r');
  readSync(descriptor, bytes, 0, LENGTH, at);
  closeSync(descriptor);
  return bytes.toString('latin1').replaceAll('\0', '');
}

function write(file: string, text: string): void {
  const descriptor = openSync(file, 'r+');
  for (const at of PLACES) writeSync(descriptor, text, at, 'latin1');
  closeSync(descriptor);
}

const isBuilt = (volume: LiveVolume): boolean => volume.pool !== null && volume.backendName !== null;

export function createContents(): Contents {
  /** When a volume was written to: the end of the log then. */
  const writtenAt = new Map<string, Position>();

  /** The volume that was made empty in the beginning. */
  const originOf = (log: LogView, volumeId: string): string => {
    const source = log.volumes.get(volumeId)?.volume?.source;
    return source === undefined || source.kind === 'empty' ? volumeId : originOf(log, source.volumeId);
  };

  /** Whether what was copied from a volume at that time must have what was written to it. */
  const hadIt = (log: LogView, volumeId: string, copiedAt: Position | undefined): boolean => {
    const at = writtenAt.get(volumeId);
    return at !== undefined && copiedAt !== undefined && copiedAt > at && !log.reverted.has(volumeId);
  };

  const mustHave = (log: LogView, volume: LiveVolume): boolean => {
    const { source, id } = volume;
    if (log.reverted.has(id)) return false;
    if (source.kind === 'empty') return writtenAt.has(id);
    const copied = source.kind === 'snapshot' ? source.snapshotId : id;
    return hadIt(log, source.volumeId, log.requestedAt.get(copied));
  };

  return {
    write: (log, config) => {
      for (const { volume } of log.volumes.values()) {
        if (volume === null || volume.deleted || !isBuilt(volume) || writtenAt.has(volume.id)) continue;
        if (volume.source.kind !== 'empty' || log.head === null || volume.status === 'error_deleting') continue;
        write(volumeFile(config, volume), volume.id);
        writtenAt.set(volume.id, log.head);
      }
    },
    differences: (log, config) => {
      const found: Violation[] = [];
      const look = (file: string, volume: LiveVolume, must: boolean): void => {
        const origin = originOf(log, volume.id);
        for (const at of PLACES) {
          const text = written(file, at);
          if (text === origin || (text === '' && !must)) continue;
          const what = `${file} has ${JSON.stringify(text)} at byte ${at} instead of ${origin}`;
          found.push({ what, streams: [volumeStream(volume.id)] });
        }
      };
      for (const { volume } of log.volumes.values()) {
        if (volume === null || volume.deleted || !isBuilt(volume) || volume.status === 'error_deleting') continue;
        look(volumeFile(config, volume), volume, mustHave(log, volume));
        for (const snapshot of snapshotsOf(volume)) {
          if (snapshot.status !== 'available') continue;
          const must = hadIt(log, volume.id, log.requestedAt.get(snapshot.id));
          look(snapshotFile(config, volume, snapshot), volume, must);
        }
      }
      return found;
    },
  };
}
