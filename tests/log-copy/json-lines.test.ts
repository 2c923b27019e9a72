import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyLog } from '../../src/log-copy/copy-log.ts';
import { fileSource, lineOf } from '../../src/log-copy/json-lines.ts';
import { aForeignEvent, anEmbeddedLog, contentOf, fill, type TestLog } from './logs.ts';

let from: TestLog;
let to: TestLog;
let file: string;

beforeEach(async () => {
  from = await anEmbeddedLog();
  to = await anEmbeddedLog();
  file = join(from.directory, 'log.jsonl');
});

afterEach(async () => {
  await from.stop();
  await to.stop();
});

async function exported(): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const event of from.store.readAll()) lines.push(lineOf(event));
  return lines;
}

const imported = () => copyLog(fileSource(file), to.store, { keepsForeign: true, inFlight: 64 });

describe('a log as JSON lines', () => {
  it('comes in again as it went out, with line separators in texts and events of other programs', async () => {
    await fill(from.store, 30);
    await from.store.append('theirs', 'no-stream', [aForeignEvent()]);
    writeFileSync(file, `${(await exported()).join('\n')}\n`);
    await imported();
    expect(await contentOf(to.store)).toEqual(await contentOf(from.store));
  });

  it('given a file that was cut off, is refused, names the line, and nothing is written', async () => {
    await fill(from.store, 3);
    writeFileSync(file, (await exported()).join('\n').slice(0, -20));
    await expect(imported()).rejects.toThrow(/line 3 is no JSON/);
    expect(await to.store.head()).toBeNull();
  });

  it.each(['stream', 'revision', 'id', 'type', 'data', 'metadata'])(
    'given a line without %s, names it',
    async (field) => {
      await fill(from.store, 1);
      const [line = ''] = await exported();
      writeFileSync(file, JSON.stringify({ ...JSON.parse(line), [field]: undefined }));
      await expect(imported()).rejects.toThrow(new RegExp(`line 1: ${field}: `));
    },
  );
});
