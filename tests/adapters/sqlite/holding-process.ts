/**
 * A process of its own for tests: `lock <directory>` holds a data directory, `append <file>` appends and prints what
 * was acknowledged, `read <file> <count>` reads beside a writer. Each prints a line per step and waits to be killed.
 */
import { lockDataDirectory } from '../../../src/adapters/sqlite/data-directory-lock.ts';
import { openSqliteEventStore } from '../../../src/adapters/sqlite/event-store.ts';
import { anEvent } from '../../contracts/event-store-fixtures.ts';

const [task, path = '', count = '0'] = process.argv.slice(2);

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function appendForEver(file: string): Promise<void> {
  const store = await openSqliteEventStore({ file });
  const appendOne = async (writer: number, n: number): Promise<void> => {
    const event = anEvent({ writer, n });
    await store.append(`writer-${writer}-${n}`, 'no-stream', [event]);
    say(event.id);
  };
  await Promise.all(
    Array.from({ length: 32 }, async (_, writer) => {
      for (let n = 0; ; n += 1) await appendOne(writer, n);
    }),
  );
}

async function readBeside(file: string, wanted: number): Promise<void> {
  const store = await openSqliteEventStore({ file, readOnly: true, pollMs: 20 });
  const stop = new AbortController();
  let read = 0;
  for await (const delivery of store.subscribe({ after: null, signal: stop.signal })) {
    if (delivery.kind === 'event') read += 1;
    if (delivery.kind === 'caught-up') say(`caught up ${read}`);
    if (read === wanted) break;
  }
  await store.close();
  say(`done ${read}`);
}

if (task === 'lock') {
  lockDataDirectory(path);
  say('locked');
  setInterval(() => undefined, 60_000);
} else if (task === 'append') {
  await appendForEver(path);
} else if (task === 'read') {
  await readBeside(path, Number(count));
}
