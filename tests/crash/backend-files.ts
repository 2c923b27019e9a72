import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { volumeStream } from '../../src/commands/streams.ts';
import { backendDirectory, type Config } from '../../src/config.ts';
import { BYTES_PER_GIB } from '../../src/domain/kernel/units.ts';
import { snapshotsOf } from '../../src/domain/volume/index.ts';
import type { LiveVolume, Snapshot } from '../../src/domain/volume/state.ts';
import type { Violation } from './log-view.ts';

interface Wanted {
  readonly bytes: number;
  readonly stream: string;
  /** A deletion that failed may have got as far as the file. */
  readonly mayBeGone: boolean;
  /** So may an extension that was stopped, and what has grown does not shrink. */
  readonly mayBeLarger: boolean;
}

/** Where a volume that was built lies. */
export const volumeFile = (config: Config, { pool, backendName }: LiveVolume): string =>
  join(poolFolder(config, pool ?? ''), 'volumes', backendName ?? '');

export const snapshotFile = (config: Config, { pool }: LiveVolume, { backendName }: Snapshot): string =>
  join(poolFolder(config, pool ?? ''), 'snapshots', backendName ?? '');

/** Every file that must be there, by path. */
function wantedFiles(config: Config, volumes: readonly LiveVolume[], reset: ReadonlySet<string>): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const volume of volumes) {
    if (volume.pool === null || volume.backendName === null) continue;
    const stream = volumeStream(volume.id);
    const wants = ({ sizeGiB, status }: LiveVolume | Snapshot): Wanted => ({
      bytes: sizeGiB * BYTES_PER_GIB,
      stream,
      mayBeGone: status === 'error_deleting' || volume.status === 'error_deleting',
      mayBeLarger: reset.has(volume.id),
    });
    wanted.set(volumeFile(config, volume), wants(volume));
    for (const snapshot of snapshotsOf(volume))
      if (snapshot.backendName !== null) wanted.set(snapshotFile(config, volume, snapshot), wants(snapshot));
  }
  return wanted;
}

/** `host@backend#pool` is a folder of that backend's directory. */
function poolFolder(config: Config, pool: string): string {
  const [, backendName = '', poolName = ''] = /@([^#]+)#(.+)$/.exec(pool) ?? [];
  const backend = config.storage.backends.find(({ name }) => name === backendName);
  if (backend === undefined) throw new Error(`no backend of pool ${pool} is configured`);
  return join(backendDirectory(config, backend), poolName);
}

/**
 * Files that are not what lives: missing, of another size, or of nothing that the log knows. Of what is unfinished
 * only the directory of the present owner may be there, and it must be empty.
 */
export function differencesOfBackends(
  config: Config,
  volumes: readonly LiveVolume[],
  reset: ReadonlySet<string>,
): readonly Violation[] {
  const found: Violation[] = [];
  const wanted = wantedFiles(config, volumes, reset);
  for (const backend of config.storage.backends) {
    for (const pool of backend.pools) {
      const folder = join(backendDirectory(config, backend), pool.name);
      for (const kind of ['volumes', 'snapshots']) {
        for (const name of readdirSync(join(folder, kind))) {
          const path = join(folder, kind, name);
          const file = wanted.get(path);
          wanted.delete(path);
          const stream = file?.stream ?? volumeStream(name.slice(name.indexOf('-') + 1));
          const { size } = statSync(path);
          if (file === undefined) found.push({ what: `${path} belongs to nothing that lives`, streams: [stream] });
          else if (file.mayBeLarger ? size < file.bytes : size !== file.bytes)
            found.push({ what: `${path} has ${size} bytes instead of ${file.bytes}`, streams: [stream] });
        }
      }
      const work = join(folder, 'work');
      const tokens = readdirSync(work);
      if (tokens.length !== 1) found.push({ what: `${work} has ${tokens.join(', ')}`, streams: [] });
      for (const token of tokens) {
        for (const left of readdirSync(join(work, token)))
          found.push({ what: `${join(work, token, left)} was left unfinished`, streams: [] });
      }
    }
  }
  for (const [path, { stream, mayBeGone }] of wanted)
    if (!mayBeGone) found.push({ what: `${path} is not there`, streams: [stream] });
  return found;
}
