/** Tells waiting subscriptions that the log has grown: pushed by this process's appends, polled for other processes'. */
export interface CommitSignal {
  /** The log has grown to `head` at least. */
  announce(head: number): void;
  /** As far as the log is known to go. */
  announced(): number;
  /** Resolves when the log has grown beyond `head`, when the signal aborts or when the store closes. */
  grownBeyond(head: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

export function createCommitSignal(readHead: () => number, pollMs: number): CommitSignal {
  const waiters = new Set<{ readonly head: number; wake(): void }>();
  let announced = 0;
  let closed = false;
  let poll: NodeJS.Timeout | undefined;

  const announce = (head: number): void => {
    if (head > announced) announced = head;
    for (const waiter of waiters) if (announced > waiter.head) waiter.wake();
  };

  const pollOnce = (): void => {
    try {
      announce(readHead());
    } catch {
      // The subscription meets the same error when it reads, and reports it.
      for (const waiter of waiters) waiter.wake();
    }
  };

  return {
    announce,
    announced: () => announced,
    grownBeyond: (head, signal) =>
      new Promise((resolve) => {
        if (closed || signal.aborted || announced > head) {
          resolve();
          return;
        }
        const wake = (): void => {
          waiters.delete(waiter);
          signal.removeEventListener('abort', wake);
          if (waiters.size === 0) clearInterval(poll);
          resolve();
        };
        const waiter = { head, wake };
        if (waiters.size === 0) poll = setInterval(pollOnce, pollMs);
        waiters.add(waiter);
        signal.addEventListener('abort', wake, { once: true });
      }),
    close: () => {
      closed = true;
      for (const waiter of waiters) waiter.wake();
    },
  };
}
