import type { Config } from '../../src/config.ts';
import type { RecordedEvent } from '../../src/ports/event-store.ts';
import type { Broken } from './invariants.ts';
import { besideServer } from './rest.ts';

const MOST_PRINTED = 20;
const MOST_EVENTS = 60;

/** Prints what is broken and, for the first of it, the history of the streams that tell how it came about. */
export async function printBroken(config: Config, broken: readonly Broken[]): Promise<void> {
  console.log(`\n${broken.length} violations`);
  for (const { invariant, what } of broken.slice(0, MOST_PRINTED)) console.log(`  ${invariant}: ${what}`);
  if (broken.length > MOST_PRINTED) console.log(`  and ${broken.length - MOST_PRINTED} more`);
  const streams = [...new Set(broken.slice(0, 3).flatMap((one) => one.streams))].slice(0, 6);
  await besideServer(config, async ({ eventStore }) => {
    const printed = new Set<string>();
    const queue = [...streams];
    for (let stream = queue.shift(); stream !== undefined; stream = queue.shift()) {
      if (printed.has(stream)) continue;
      printed.add(stream);
      console.log(`\n${stream}`);
      const events: RecordedEvent[] = [];
      for await (const event of eventStore.readStream(stream, { direction: 'backwards', limit: MOST_EVENTS }))
        events.unshift(event);
      for (const event of events) console.log(`  ${lineOf(event)}`);
      // a volume's story is told by its operations too
      if (stream.startsWith('volume-')) queue.push(...operationsOf(events));
    }
  });
}

const operationsOf = (events: readonly RecordedEvent[]): string[] =>
  events.flatMap(({ data }) => {
    const { operationId } = data as { operationId?: string };
    return operationId === undefined ? [] : [`operation-${operationId}`];
  });

function lineOf({ position, recordedAt, type, data, metadata }: RecordedEvent): string {
  const time = new Date(recordedAt).toISOString().slice(11, 23);
  const text = JSON.stringify(data);
  const { userId } = metadata.actor;
  return `${position} ${time} ${type} by ${userId} ${text.length > 400 ? `${text.slice(0, 400)}…` : text}`;
}
