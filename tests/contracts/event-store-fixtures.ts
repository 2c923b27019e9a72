import { randomUUID } from 'node:crypto';
import type { EventMetadata } from '../../src/domain/kernel/event.ts';
import type { Delivery, EventToAppend, RecordedEvent, StreamFilter } from '../../src/ports/event-store.ts';

const metadata: EventMetadata = {
  commandId: '5f0c7f0a-6f3c-4f4e-8a55-1f6f0d3d3b11',
  correlationId: 'req-0b7a1c6e-7a5a-4f43-9f49-6a3a2f3f5a22',
  causationId: '2c0f2a46-2a1e-4f0e-9a07-41c54b6a9d33',
  actor: { userId: 'admin', projectId: 'demo', roles: ['admin'], kind: 'user' },
  at: 1_700_000_000_000,
  schemaVersion: 1,
};

export const anEvent = (data: unknown = {}, type = 'VolumeUpdated'): EventToAppend => ({
  id: randomUUID(),
  type,
  data,
  metadata,
});

export const events = (count: number): EventToAppend[] => Array.from({ length: count }, (_, n) => anEvent({ n }));

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** Names of streams that no other test uses, and the filter that finds them. */
export function ownStreams(): {
  readonly prefix: string;
  readonly streams: StreamFilter;
  stream(name?: string): string;
} {
  const prefix = `contract${randomUUID().replaceAll('-', '')}-`;
  return { prefix, streams: { prefixes: [prefix] }, stream: (name = randomUUID()) => prefix + name };
}

export const numbersOf = (recorded: readonly RecordedEvent[]): unknown[] =>
  recorded.map((event) => (event.data as { readonly n: unknown }).n);

export const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** Reads deliveries until `enough` says so. */
export async function deliveriesUntil(
  subscription: AsyncIterable<Delivery>,
  enough: (deliveries: readonly Delivery[]) => boolean,
): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  for await (const delivery of subscription) {
    deliveries.push(delivery);
    if (enough(deliveries)) break;
  }
  return deliveries;
}

export const eventsOf = (deliveries: readonly Delivery[]): RecordedEvent[] =>
  deliveries.flatMap((delivery) => (delivery.kind === 'event' ? [delivery.event] : []));

export const caughtUp = (deliveries: readonly Delivery[]): boolean => deliveries.at(-1)?.kind === 'caught-up';
