import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** https://www.sqlite.org/fileformat2.html#walformat */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;

/** What SQLite will find in a write-ahead log: all whole transactions up to the first frame that is not sound. */
export interface WalContent {
  /** Size of the database in pages after the last transaction; null where there is none. */
  readonly databasePages: number | null;
  readonly pages: ReadonlySet<number>;
}

const NOTHING: WalContent = { databasePages: null, pages: new Set() };

/**
 * Reads the log beside a database. Neither the database nor its `-shm` is opened for it: closing them again would drop
 * the locks that this process holds on them.
 */
export function readWal(file: string): WalContent {
  const size = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= HEADER_BYTES) return NOTHING;
  const descriptor = openSync(`${file}-wal`, 'r');
  try {
    return contentOf((buffer, at) => readSync(descriptor, buffer, 0, buffer.length, at) === buffer.length);
  } finally {
    closeSync(descriptor);
  }
}

/** Two running sums over pairs of 32-bit words, in the byte order that the header names. */
type Sums = readonly [number, number];

function checksum([first, second]: Sums, bytes: Buffer, bigEndian: boolean): Sums {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let [one, two] = [first, second];
  for (let at = 0; at < bytes.length; at += 8) {
    one = (one + view.getUint32(at, !bigEndian) + two) >>> 0;
    two = (two + view.getUint32(at + 4, !bigEndian) + one) >>> 0;
  }
  return [one, two];
}

const isAt = (sums: Sums, buffer: Buffer, at: number): boolean =>
  buffer.readUInt32BE(at) === sums[0] && buffer.readUInt32BE(at + 4) === sums[1];

function contentOf(read: (buffer: Buffer, at: number) => boolean): WalContent {
  const header = Buffer.alloc(HEADER_BYTES);
  if (!read(header, 0)) return NOTHING;
  const magic = header.readUInt32BE(0);
  const bigEndian = (magic & 1) === 1;
  let sums = checksum([0, 0], header.subarray(0, 24), bigEndian);
  if ((magic & ~1) !== MAGIC || !isAt(sums, header, 24)) return NOTHING;
  const salt = header.subarray(16, 24);
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + header.readUInt32BE(8));
  const pages = new Set<number>();
  let unfinished: number[] = [];
  let databasePages: number | null = null;
  for (let at = HEADER_BYTES; read(frame, at); at += frame.length) {
    if (!frame.subarray(8, 16).equals(salt)) break;
    sums = checksum(checksum(sums, frame.subarray(0, 8), bigEndian), frame.subarray(FRAME_HEADER_BYTES), bigEndian);
    if (!isAt(sums, frame, 16)) break;
    unfinished.push(frame.readUInt32BE(0));
    const sizeAfter = frame.readUInt32BE(4);
    if (sizeAfter === 0) continue;
    for (const page of unfinished) pages.add(page);
    unfinished = [];
    databasePages = sizeAfter;
  }
  return { databasePages, pages };
}
