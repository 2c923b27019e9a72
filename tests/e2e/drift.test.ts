import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { snapshotFile, volumeFile } from '../crash/backend-files.ts';
import { createLocalServer } from './local-server.ts';

describe('a backend that is not what the log says', () => {
  const server = createLocalServer();
  beforeAll(() => server.start());
  afterAll(() => server.dispose());

  const driftOf = async (): Promise<Readonly<Record<string, number>>> => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    const found = metrics.matchAll(/^scoria_backend_drift\{.*drift="(\w+)".*\} (\d+)$/gm);
    return Object.fromEntries([...found].map(([, kind = '', count]) => [kind, Number(count)]));
  };

  const untilSeen = async (wanted: object): Promise<void> => {
    const deadline = performance.now() + 12_000;
    while (performance.now() < deadline) {
      const seen = await driftOf();
      if (JSON.stringify(seen) === JSON.stringify(wanted)) return;
      await sleep(100);
    }
    expect(await driftOf()).toEqual(wanted);
  };

  it('is told by a gauge, object by object, and left as it is; one that is as the log says is not', async () => {
    const [whole, gone, small] = [await server.available({}), await server.available({}), await server.available({})];
    const { json } = await server.send('POST', '/snapshots', { body: { snapshot: { volume_id: whole } } });
    await server.rest();
    await untilSeen({ unknown: 0, missing: 0, smaller: 0 });

    const live = (id: string) => {
      const volume = server.log.volumes.get(id)?.volume;
      if (volume === undefined || volume === null) throw new Error(`there is no volume ${id}`);
      return volume;
    };
    const snapshot = live(whole).snapshots[json.snapshot.id];
    if (snapshot === undefined) throw new Error('the snapshot was not made');
    await server.stop();
    rmSync(snapshotFile(server.config, live(whole), snapshot));
    rmSync(volumeFile(server.config, live(gone)));
    truncateSync(volumeFile(server.config, live(small)), 4_096);
    const stray = join(volumeFile(server.config, live(gone)), '..', 'volume-of-nobody');
    writeFileSync(stray, 'precious');
    await server.start();
    await untilSeen({ unknown: 1, missing: 2, smaller: 1 });
    rmSync(stray);
  });
});
