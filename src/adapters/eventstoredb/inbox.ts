import { CallLost } from './faults.ts';

/**
 * What a call of the client has brought. Its streams are taken from by hand: their iterator hides how much is there, and
 * a client that was told to cancel tells nothing to who waits.
 */
export interface Inbox<T> {
  /** The next one; null where nothing is there now. */
  take(): T | null;
  /** All was taken, and no more will come. */
  ended(): boolean;
  /** Resolves when there may be something; rejects with what broke the call, once all was taken that came before. */
  change(limitMs: number | null, signal: AbortSignal): Promise<void>;
  /** Lets who waits look again. */
  wake(): void;
}

/** A stream of the client's, as much as is needed of it. */
export interface Source {
  readonly readableEnded: boolean;
  read(): unknown;
  on(event: 'readable' | 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export function createInbox<T>(stream: Source): Inbox<T> {
  let failure: unknown = null;
  let changed = false;
  let waiting: (() => void) | null = null;
  const wake = (): void => {
    changed = true;
    waiting?.();
  };
  stream.on('readable', wake);
  stream.on('end', wake);
  stream.on('close', wake);
  // Also when nobody waits any more: an error without a listener would end the process.
  stream.on('error', (error) => {
    failure ??= error;
    wake();
  });
  return {
    wake,
    take: () => stream.read() as T | null,
    ended: () => stream.readableEnded,
    change: async (limitMs, signal) => {
      if (failure !== null) throw failure;
      if (!changed) {
        await new Promise<void>((resolve, reject) => {
          const done = (): void => {
            clearTimeout(timer);
            signal.removeEventListener('abort', abort);
            waiting = null;
          };
          const abort = (): void => {
            done();
            reject(signal.reason);
          };
          const timer =
            limitMs === null
              ? undefined
              : setTimeout(() => {
                  done();
                  reject(new CallLost(`nothing came within ${limitMs} ms`, true));
                }, limitMs);
          waiting = () => {
            done();
            resolve();
          };
          signal.addEventListener('abort', abort, { once: true });
          if (signal.aborted) abort();
        });
      }
      changed = false;
    },
  };
}
