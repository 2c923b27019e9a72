import { openMongoReadStore } from '../../../src/adapters/mongodb/read-store.ts';
import { openSqliteEventStore } from '../../../src/adapters/sqlite/event-store.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { createProjectionRunner } from '../../../src/projections/runner.ts';
import { counting } from './counting-projection.ts';

/** Follows a log into MongoDB until it is told to end, or killed: `node projecting-process.ts FILE URL DATABASE BATCH_SIZE`. */
const [file = '', url = '', database = '', batch = '1'] = process.argv.slice(2);
const eventStore = await openSqliteEventStore({ file, readOnly: true });
const readStore = await openMongoReadStore({ url, database, clock: systemClock });
const note = (fields: object, message: string): void => console.error(message, fields);
const runner = createProjectionRunner({
  ...{ eventStore, readStore, projections: [counting], decode: (event) => event, clock: systemClock },
  logger: { info: () => {}, warn: note, error: note },
  batchSize: Number(batch),
  rebuildBatchSize: Number(batch),
});
await runner.start();
const head = await eventStore.head();
console.log('started');
if (head !== null && (await runner.waitFor(head, 60_000))) console.log('caught up');
await runner.stop();
await readStore.close();
await eventStore.close();
