import { randomUUID } from 'node:crypto';
import { EventStoreDBClient, type JSONEventData, jsonEvent } from '@eventstore/db-client';
import type { EmbeddedServer } from './embedded-server.ts';

/** The official client, and what tests do with it. */

export const connect = (server: EmbeddedServer, query = ''): EventStoreDBClient =>
  EventStoreDBClient.connectionString(`${server.connectionString}${query}`);

/** A name of a stream that no other test uses. */
export const aStream = (kind = 'things'): string => `${kind}-${randomUUID()}`;

export const numbered = (n: number, id: string = randomUUID(), type = 'Counted'): JSONEventData =>
  jsonEvent({ id, type, data: { n }, metadata: { about: n } });

export const numberedUpTo = (count: number): JSONEventData[] => Array.from({ length: count }, (_, n) => numbered(n));

export interface Read {
  readonly event?: { readonly data: unknown; readonly revision: bigint };
}

/** What was counted, in the order it came. */
export const numbersIn = async (events: AsyncIterable<Read>): Promise<unknown[]> => numbersOf(await collect(events));

export const numbersOf = (events: readonly Read[]): unknown[] => events.map(({ event }) => numberOf(event));

export const numberOf = (event: Read['event']): unknown => (event?.data as { readonly n?: unknown } | undefined)?.n;

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** What a promise was rejected with. */
export async function failureOf(work: Promise<unknown>): Promise<Record<string, unknown> & Error> {
  try {
    await work;
  } catch (error) {
    return error as Record<string, unknown> & Error;
  }
  throw new Error('it succeeded');
}

/** Chooses the unary path of the client, which sends no credentials over a connection without TLS. */
export const UNARY = { credentials: { username: 'admin', password: 'changeit' } } as const;
