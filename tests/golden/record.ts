import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openSqliteEventStore } from '../../src/adapters/sqlite/event-store.ts';
import { parseConfig, storeFiles } from '../../src/config.ts';
import type { RecordedEvent } from '../../src/ports/event-store.ts';
import { startServer } from '../../src/server/server.ts';
import { documentsOf, lineOf } from './fold.ts';
import { liveThroughEverything } from './life.ts';

/*
 * `node tests/golden/record.ts <version>`: records the log of a server that has seen everything once, and the read
 * models it comes to. Run once for each release, just before it; a golden log is never changed afterwards.
 */
const version = process.argv[2];
if (version === undefined) throw new Error('say which version this is: node tests/golden/record.ts 0.1.0');
const dataDir = mkdtempSync(join(tmpdir(), 'scoria-golden-'));
try {
  const config = parseConfig({ dataDir, server: { port: 0 }, logLevel: 'silent' });
  const server = await startServer(config, pino({ level: 'silent' }));
  if (server.url === null) throw new Error('the server does not listen');
  await liveThroughEverything(server.url);
  await server.stop();
  const store = await openSqliteEventStore({ file: storeFiles(config).events, readOnly: true });
  const events: RecordedEvent[] = [];
  for await (const event of store.readAll()) events.push(event);
  await store.close();
  writeFileSync(join(import.meta.dirname, `${version}.events.jsonl`), `${events.map(lineOf).join('\n')}\n`);
  writeFileSync(
    join(import.meta.dirname, `${version}.documents.json`),
    `${JSON.stringify(documentsOf(events), null, 1)}\n`,
  );
  console.log(`${events.length} events of ${new Set(events.map(({ type }) => type)).size} types`);
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
