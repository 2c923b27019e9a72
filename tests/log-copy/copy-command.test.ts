import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockDataDirectory } from '../../src/adapters/sqlite/data-directory-lock.ts';
import { events } from '../contracts/event-store-fixtures.ts';
import { anEmbeddedLog, contentOf, fill, type TestLog } from './logs.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

let from: TestLog;
let to: TestLog;

beforeEach(async () => {
  from = await anEmbeddedLog();
  to = await anEmbeddedLog();
});

afterEach(async () => {
  await from.stop();
  await to.stop();
});

interface Ended {
  readonly status: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const copy = (...more: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const places = ['--from', `sqlite:${from.directory}`, '--to', `sqlite:${to.directory}`];
    execFile(process.execPath, [MAIN, 'events', 'copy', ...places, ...more], (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : error.code, stdout, stderr });
    });
  });

describe('scoria events copy', () => {
  it('given a target that a server has locked, refuses and writes nothing', async () => {
    await fill(from.store, 10);
    const lock = lockDataDirectory(to.directory);
    try {
      const { status, stderr } = await copy();
      expect(status).toBe(1);
      expect(stderr).toContain(to.directory);
      expect(stderr).toMatch(/another (server|process)|lock|in use/i);
    } finally {
      lock.release();
    }
    expect(await contentOf(to.store)).toEqual([]);
  });

  it('given --verify-only and logs that differ, names the first difference, ends with 1 and writes nothing', async () => {
    await fill(from.store, 10);
    const { status, stdout, stderr } = await copy('--verify-only', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ compared: 0, equal: false });
    expect(stderr).toMatch(/the logs differ at event 1 of the log.*the target no more events/);
    expect(await contentOf(to.store)).toEqual([]);
  });

  it('given a target with other events, ends with 1, says where they part and leaves it as it is', async () => {
    await fill(from.store, 10);
    await to.store.append('volume-other', 'no-stream', events(1));
    const before = await contentOf(to.store);
    const { status, stderr } = await copy();
    expect(status).toBe(1);
    expect(stderr).toContain('the target is not a beginning of the source: at event 1 of the log');
    expect(await contentOf(to.store)).toEqual(before);
  });

  it('given an empty target, copies, and --verify-only then ends with 0', async () => {
    await fill(from.store, 10);
    expect(JSON.parse((await copy('--json')).stdout)).toMatchObject({ copied: 10, compared: 10, equal: true });
    expect((await copy('--verify-only')).status).toBe(0);
    expect(await contentOf(to.store)).toEqual(await contentOf(from.store));
  });
});
