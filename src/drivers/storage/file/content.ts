import { open } from 'node:fs/promises';
import { DriverError } from '../driver.ts';
import type { WritableFile } from './effects.ts';

/** Pieces in which devices are read and streamed. */
export const CHUNK_BYTES = 1024 * 1024;

/** Zeros of this length (aligned) are left as holes. */
const HOLE_BYTES = 64 * 1024;
const ZEROS = new Uint8Array(HOLE_BYTES);

/** Settles with `work`, or rejects with the signal's reason as soon as it aborts. */
const orAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
  });

/** The items of `source` until the signal aborts; then rejects with its reason, without waiting for a source that hangs. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await orAborted(iterator.next(), signal);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    iterator.return?.().catch(() => undefined);
  }
}

async function writeAll(file: WritableFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

const isZero = (bytes: Uint8Array): boolean => Buffer.compare(bytes, ZEROS.subarray(0, bytes.length)) === 0;

/** Writes what is not zero into a file that reads as zeros there. */
export async function writeKeepingHoles(file: WritableFile, bytes: Uint8Array, position: number): Promise<void> {
  let dataFrom: number | null = null;
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + HOLE_BYTES - ((position + from) % HOLE_BYTES));
    if (isZero(bytes.subarray(from, to))) {
      if (dataFrom !== null) await writeAll(file, bytes.subarray(dataFrom, from), position + dataFrom);
      dataFrom = null;
    } else dataFrom ??= from;
    from = to;
  }
  if (dataFrom !== null) await writeAll(file, bytes.subarray(dataFrom), position + dataFrom);
}

/** Writes a stream into a new file; `what` names it where it is longer than `limitBytes`. */
export async function writeStream(
  file: WritableFile,
  source: AsyncIterable<Uint8Array>,
  limitBytes: number,
  what: string,
  signal: AbortSignal,
): Promise<void> {
  let position = 0;
  for await (const bytes of untilAborted(source, signal)) {
    if (position + bytes.length > limitBytes)
      throw new DriverError(`${what} is larger than the volume's ${limitBytes} bytes`);
    await writeKeepingHoles(file, bytes, position);
    position += bytes.length;
  }
}

/**
 * The first `sizeBytes` bytes of a file in chunks of 1 MiB: fresh ones, or all in `room` for a reader who is done with
 * each before it asks for the next.
 */
export async function* readStream(
  path: string,
  sizeBytes: number,
  signal: AbortSignal,
  room?: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r');
  try {
    for (let position = 0; position < sizeBytes; ) {
      signal.throwIfAborted();
      const chunk = room ?? new Uint8Array(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, sizeBytes - position), position);
      if (bytesRead === 0) throw new DriverError(`${path} ends after ${position} of ${sizeBytes} bytes`);
      yield chunk.subarray(0, bytesRead);
      position += bytesRead;
    }
  } finally {
    await file.close();
  }
}
