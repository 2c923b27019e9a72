import { cp, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesOfRow, checksumOf } from '../../../src/adapters/sqlite/event-row.ts';
import { verifyEventStore } from '../../../src/adapters/sqlite/event-store-check.ts';
import { DamagedStore } from '../../../src/adapters/sqlite/faults.ts';
import { openSqliteReadStore } from '../../../src/adapters/sqlite/read-store.ts';
import { collect } from '../../contracts/event-store-fixtures.ts';
import { fill, readLog, sharedWriterThread, tamper, temporaryDirectories, withEventStore } from './store-files.ts';

const FLIPS = 120;
const aDirectory = temporaryDirectories();

/** A file with a log of so many events, closed. */
async function aLog(count: number): Promise<string> {
  const file = join(await aDirectory(), 'events.db');
  await withEventStore({ file }, (store) => fill(store, count));
  return file;
}

const damageAtOpening = async (file: string): Promise<DamagedStore> => {
  const error: unknown = await withEventStore({ file }, () => Promise.resolve('it was opened')).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DamagedStore);
  return error as DamagedStore;
};

/** The checksum an event would have in another stream. */
async function fittingChecksum(file: string, position: number, stream: string): Promise<number> {
  const event = (await readLog({ file }))[position - 1];
  if (event === undefined) throw new Error(`no event at position ${position}`);
  const { revision, id, type, data, metadata, recordedAt } = event;
  const texts = [JSON.stringify(data), JSON.stringify(metadata)] as const;
  return checksumOf(bytesOfRow([position, stream, Number(revision), id, type, ...texts, recordedAt, 0]));
}

describe('opening an event store', () => {
  it('refuses a file that is no SQLite file, and says which bytes are wrong', async () => {
    const file = await aLog(5);
    const bytes = await readFile(file);
    bytes.write('NOT A DATABASE', 0);
    await writeFile(file, bytes);
    const damage = await damageAtOpening(file);
    expect(damage.message).toContain(file);
    expect(damage.message).toContain('bytes 0 to 15');
  });

  it('refuses another kind of store', async () => {
    const file = join(await aDirectory(), 'events.db');
    await (await openSqliteReadStore({ file, writer: sharedWriterThread() })).close();
    expect((await damageAtOpening(file)).message).toMatch(/application id .*no event store/);
  });

  it('refuses a schema version it does not know', async () => {
    const file = await aLog(5);
    tamper(file, 'PRAGMA user_version = 99');
    expect((await damageAtOpening(file)).message).toMatch(/schema version 99.*reads version 1/);
  });

  it('refuses a file that was cut short, and says where it ends', async () => {
    const file = await aLog(200);
    const { length } = await readFile(file);
    await truncate(file, length - 4096);
    expect((await damageAtOpening(file)).message).toContain(`ends at byte ${length - 4096}`);
  });

  it.each([
    ['whose bytes have changed', `UPDATE events SET data = '{"n":1000}' WHERE position = 45`, /checksum.*position 45 /],
    ['that is missing', 'DELETE FROM events WHERE position = 45', /chain breaks at the event at position 46 /],
    ['whose time goes back', 'UPDATE events SET recorded_at = 5 WHERE position = 45', /position 45/],
    [
      'whose link of the chain has changed',
      'UPDATE events SET chain = zeroblob(32) WHERE position = 45',
      /chain breaks/,
    ],
  ])('finds an event near the end %s', async (_, sql, message) => {
    const file = await aLog(50);
    tamper(file, sql);
    const damage = await damageAtOpening(file);
    expect(damage.message).toMatch(message);
    expect(damage.file).toBe(file);
  });

  it('finds an event near the end that was changed with its checksum made to fit', async () => {
    const file = await aLog(50);
    tamper(
      file,
      `UPDATE events SET stream = 'volume-x', crc = ${await fittingChecksum(file, 45, 'volume-x')} WHERE position = 45`,
    );
    expect((await damageAtOpening(file)).message).toMatch(/chain breaks at the event at position 45 /);
  });

  it('makes a new store where its maker died before the first commit', async () => {
    const file = join(await aDirectory(), 'events.db');
    tamper(file, 'PRAGMA journal_mode = WAL');
    await withEventStore({ file }, (store) => fill(store, 1));
    expect(await readLog({ file })).toHaveLength(1);
  });
});

describe('an event far from the end whose bytes have changed', () => {
  it('does not stop the store from opening, but is never read as if nothing were wrong', async () => {
    const file = await aLog(1_500);
    tamper(file, `UPDATE events SET data = '{"n":1000}' WHERE position = 100`);
    await withEventStore({ file }, async (store) => {
      await expect(collect(store.readAll())).rejects.toThrow(/checksum.*position 100 /);
      expect(await collect(store.readAll({ after: 100n }))).toHaveLength(1_400);
    });
  });
});

describe('verifying an event store', () => {
  it('finds nothing wrong with a sound one, and tells how far it is', async () => {
    const file = await aLog(1_500);
    const progress: number[] = [];
    const report = await verifyEventStore(file, ({ done, total }) => progress.push(done / total));
    expect(report).toMatchObject({ file, events: 1_500, head: 1_500n, damages: [] });
    expect(report.chain).toMatch(/^[0-9a-f]{64}$/);
    expect(progress.at(-1)).toBe(1);
  });

  it('gives the same chain for the same log, another for another', async () => {
    const [file, other] = [await aLog(20), await aLog(20)];
    const copy = join(await aDirectory(), 'events.db');
    await cp(file, copy);
    const chains = await Promise.all([file, copy, other].map(async (one) => (await verifyEventStore(one)).chain));
    expect(chains[0]).toBe(chains[1]);
    expect(chains[2]).not.toBe(chains[0]);
  });

  it.each([
    ['a changed event', `UPDATE events SET type = 'Other' WHERE position = 100`, 100n, /checksum/],
    ['an event that was taken out', 'DELETE FROM events WHERE position = 100', 101n, /chain breaks/],
    ['a gap in a stream', 'DELETE FROM events WHERE position = 100', 110n, /goes from revision 8 to 10/],
    [
      'an event that was put in',
      `INSERT INTO events SELECT 2000, stream, 900, id, type, data, metadata, recorded_at, crc, chain FROM events WHERE position = 7`,
      2000n,
      /checksum/,
    ],
  ])('finds %s in the middle of the log', async (_, sql, position, what) => {
    const file = await aLog(1_500);
    tamper(file, sql);
    const { damages } = await verifyEventStore(file);
    expect(damages).toContainEqual({ position, what: expect.stringMatching(what) });
  });
});

describe('one flipped bit anywhere in the file', () => {
  it('is noticed at opening, when reading or by verifying, or changes nothing', async () => {
    const file = await aLog(300);
    const sound = await readLog({ file });
    const bytes = await readFile(file);
    const copy = join(await aDirectory(), 'events.db');
    let noticed = 0;
    for (let n = 0; n < FLIPS; n += 1) {
      const damaged = Buffer.from(bytes);
      const offset = Math.floor((n * bytes.length) / FLIPS) + (n % 37);
      damaged.writeUInt8(damaged.readUInt8(offset) ^ (1 << (n % 8)), offset);
      await writeFile(copy, damaged);
      if (await noticesDamage(copy)) noticed += 1;
      else expect(await readLog({ file: copy, readOnly: true }), `bit ${n % 8} of byte ${offset}`).toEqual(sound);
    }
    expect(noticed).toBeGreaterThan(FLIPS / 2);
  });
});

async function noticesDamage(file: string): Promise<boolean> {
  try {
    await readLog({ file, readOnly: true });
    return (await verifyEventStore(file)).damages.length > 0;
  } catch (error) {
    expect(error).toBeInstanceOf(DamagedStore);
    return true;
  }
}
