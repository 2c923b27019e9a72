import { writeFileSync } from 'node:fs';
import type { Config } from '../../src/config.ts';
import type { RecordedEvent } from '../../src/ports/event-store.ts';
import { besideServer } from './beside-server.ts';
import type { Broken } from './invariants.ts';

const MOST_PRINTED = 15;
/** Streams told in full, and events of each that are printed; the file has all of both. */
const MOST_STREAMS = 4;
const MOST_EVENTS = 12;

/** Prints what is broken and how its streams came to be so; writes the whole history of all of them to `file`. */
export async function printBroken(config: Config, broken: readonly Broken[], file: string): Promise<void> {
  const told = broken.map(({ invariant, what }) => `${invariant}: ${what}`);
  console.log(`\n${broken.length} violations`);
  for (const line of told.slice(0, MOST_PRINTED)) console.log(`  ${line}`);
  if (told.length > MOST_PRINTED) console.log(`  and ${told.length - MOST_PRINTED} more`);
  const histories = await historiesOf(config, [...new Set(broken.flatMap(({ streams }) => streams))]);
  for (const [stream, lines] of histories.slice(0, MOST_STREAMS)) {
    console.log(
      `\n${stream}${lines.length > MOST_EVENTS ? `, the last ${MOST_EVENTS} of ${lines.length} events` : ''}`,
    );
    for (const line of lines.slice(-MOST_EVENTS)) console.log(`  ${line.slice(0, 240)}`);
  }
  const whole = [...told, ...histories.flatMap(([stream, lines]) => ['', stream, ...lines.map((line) => `  ${line}`)])];
  writeFileSync(file, `${whole.join('\n')}\n`);
  console.log(`\nthe whole history is in ${file}`);
}

type History = readonly [stream: string, lines: readonly string[]];

/** The events of these streams, and of the operations that worked on their volumes: those tell the other half. */
async function historiesOf(config: Config, streams: readonly string[]): Promise<readonly History[]> {
  const histories = new Map<string, readonly string[]>();
  await besideServer(config, async ({ eventStore }) => {
    const queue = [...streams];
    for (let stream = queue.shift(); stream !== undefined; stream = queue.shift()) {
      if (histories.has(stream)) continue;
      const events: RecordedEvent[] = [];
      for await (const event of eventStore.readStream(stream)) events.push(event);
      histories.set(stream, events.map(lineOf));
      if (stream.startsWith('volume-')) queue.push(...operationsOf(events));
    }
  });
  return [...histories];
}

const operationsOf = (events: readonly RecordedEvent[]): string[] =>
  events.flatMap(({ data }) => {
    const { operationId } = data as { operationId?: string };
    return operationId === undefined ? [] : [`operation-${operationId}`];
  });

function lineOf({ position, recordedAt, type, data, metadata }: RecordedEvent): string {
  const time = new Date(recordedAt).toISOString().slice(11, 23);
  return `${position} ${time} ${type} by ${metadata.actor.userId} ${JSON.stringify(data)}`;
}
