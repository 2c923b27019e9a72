import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openSqliteEventStore } from '../src/adapters/sqlite/event-store.ts';
import type { EventStore, EventToAppend, RecordedEvent } from '../src/ports/event-store.ts';
import { percentile } from './figures.ts';

/** What the server appended at once, for one request. */
interface Appended {
  readonly stream: string;
  readonly events: readonly EventToAppend[];
}

export interface BareAppends {
  /** Requests whose events were appended, per second. */
  readonly perSecond: number;
  readonly p50Ms: number;
  /** Of one request, on average. */
  readonly events: number;
  readonly appends: number;
}

/**
 * The yardstick of writes: appends what a server recorded of its last creations and deletions to an empty store, each
 * request's appends one after the other as the server did, so many requests at a time. Ledgers are a stream per
 * request here: who waits for whom there is the server's business, not the store's.
 */
export async function bareAppends(
  log: string,
  directory: string,
  sideBySide: number,
  requests: number,
): Promise<Record<'create accepted' | 'create' | 'delete', BareAppends>> {
  const { creations, deletions } = await recorded(log, requests);
  const accepting = creations.map((appends) => appends.slice(0, 2));
  return {
    'create accepted': await appendAll(join(directory, 'accepted'), accepting, sideBySide),
    create: await appendAll(join(directory, 'creations'), creations, sideBySide),
    delete: await appendAll(join(directory, 'deletions'), deletions, sideBySide),
  };
}

async function recorded(log: string, requests: number) {
  const store = await openSqliteEventStore({ file: log, readOnly: true });
  const byRequest = new Map<string, RecordedEvent[]>();
  for await (const event of store.readAll()) {
    const events = byRequest.get(event.metadata.correlationId);
    if (events === undefined) byRequest.set(event.metadata.correlationId, [event]);
    else events.push(event);
  }
  await store.close();
  const startedBy = (type: string): readonly (readonly Appended[])[] =>
    [...byRequest.values()]
      .filter((events) => events.some((event) => event.type === type))
      .slice(-requests)
      .map(appendsOf);
  return { creations: startedBy('VolumeCreationRequested'), deletions: startedBy('VolumeDeletionRequested') };
}

/** A command's events in one stream were appended at once. */
function appendsOf(events: readonly RecordedEvent[]): readonly Appended[] {
  const appends: { stream: string; commandId: string; events: EventToAppend[] }[] = [];
  for (const { stream, id, type, data, metadata } of events) {
    const { commandId } = metadata;
    const last = appends.findLast((append) => append.stream === stream && append.commandId === commandId);
    if (last === undefined) appends.push({ stream, commandId, events: [{ id, type, data, metadata }] });
    else last.events.push({ id, type, data, metadata });
  }
  return appends;
}

async function appendAll(
  directory: string,
  requests: readonly (readonly Appended[])[],
  sideBySide: number,
): Promise<BareAppends> {
  await mkdir(directory, { recursive: true });
  const store = await openSqliteEventStore({ file: join(directory, 'events.db') });
  const durationsMs: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < requests.length) {
      const index = next;
      next += 1;
      const startedAt = performance.now();
      await appendOneRequest(store, index, requests[index] ?? []);
      durationsMs.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: sideBySide }, worker));
  const elapsedMs = performance.now() - startedAt;
  await store.close();
  const appends = requests.reduce((sum, each) => sum + each.length, 0);
  const events = requests.flat().reduce((sum, append) => sum + append.events.length, 0);
  return {
    perSecond: (requests.length / elapsedMs) * 1_000,
    p50Ms: percentile(durationsMs, 0.5),
    events: Math.round(events / requests.length),
    appends: Math.round(appends / requests.length),
  };
}

async function appendOneRequest(store: EventStore, index: number, appends: readonly Appended[]): Promise<void> {
  const revisions = new Map<string, bigint>();
  for (const { stream, events } of appends) {
    const own = `${stream}/${index}`;
    const { revision } = await store.append(own, revisions.get(own) ?? 'no-stream', events);
    revisions.set(own, revision);
  }
}
