import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { EventMetadata } from '../../domain/kernel/event.ts';
import type { RecordedEvent } from '../../ports/event-store.ts';
import { DamagedStore } from './faults.ts';
import type { StoreLayout } from './store-file.ts';

/** How an event lies in the file: a row with its checksum and its link of the hash chain. */
export const EVENT_STORE_LAYOUT: StoreLayout = {
  kind: 'event store',
  applicationId: 'ScEv',
  schemaVersion: 1,
  schema: `
    CREATE TABLE events (
      position INTEGER PRIMARY KEY,
      stream TEXT NOT NULL,
      revision INTEGER NOT NULL,
      id TEXT NOT NULL,
      type TEXT NOT NULL,
      data TEXT NOT NULL,
      metadata TEXT NOT NULL,
      recorded_at INTEGER NOT NULL,
      crc INTEGER NOT NULL,
      chain BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX events_by_stream ON events (stream, revision)`,
};

/** The columns of an EventRow, in its order. */
export const EVENT_COLUMNS = 'position, stream, revision, id, type, data, metadata, recorded_at, crc';

/** A row as read: position, stream, revision, id, type, data, metadata, recorded_at, crc. */
export type EventRow = readonly [number, string, number, string, string, string, string, number, number];

/** The chain before the first event. */
export const CHAIN_START = '0'.repeat(64);

/** What checksum and chain are taken over: everything the row says. */
const bytesOf = (
  position: number,
  stream: string,
  revision: number,
  id: string,
  type: string,
  data: string,
  metadata: string,
  recordedAt: number,
): string => `${position}\n${stream}\n${revision}\n${id}\n${type}\n${recordedAt}\n${data}\n${metadata}`;

export const bytesOfRow = (row: EventRow): string =>
  bytesOf(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7]);

export const checksumOf = (bytes: string): number => crc32(bytes);

/** The next link, 64 hexadecimal digits: SHA-256 over the link before and the bytes of the event. */
export const chainAfter = (previous: string, bytes: string): string => hash('sha256', `${previous}\n${bytes}`, 'hex');

/** Null when the row is as it was written, else what is wrong with it. */
export const damageOfRow = (row: EventRow): string | null =>
  checksumOf(bytesOfRow(row)) === row[8]
    ? null
    : `the checksum of the event at position ${row[0]} (stream ${row[1]}, revision ${row[2]}) does not match its bytes`;

/** The event of a row, with the text of its data where that is asked for. Throws DamagedStore when its bytes are not those that were written. */
export function recordedEventOf(row: EventRow, file: string, withText = false): RecordedEvent {
  const damage = damageOfRow(row);
  if (damage !== null) throw new DamagedStore(file, damage);
  const event = {
    position: BigInt(row[0]),
    stream: row[1],
    revision: BigInt(row[2]),
    id: row[3],
    type: row[4],
    data: JSON.parse(row[5]) as unknown,
    metadata: JSON.parse(row[6]) as EventMetadata,
    recordedAt: row[7],
  };
  return withText ? Object.assign(event, { dataText: row[5] }) : event;
}
