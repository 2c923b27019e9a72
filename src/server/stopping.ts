/** What is stopped together; together, because none of it needs another of it. */
export type Stops = readonly (() => Promise<unknown>)[];

/**
 * Stops one group after the other. What cannot be stopped in order (its store is away) keeps nothing else from being
 * stopped; the first failure is thrown when all have ended.
 */
export async function stopInOrder(groups: readonly Stops[]): Promise<void> {
  const failures: unknown[] = [];
  for (const together of groups) {
    // async, so that one that throws at once is no different from one that rejects
    const stopped = await Promise.allSettled(together.map(async (stop) => stop()));
    failures.push(...stopped.flatMap((one) => (one.status === 'rejected' ? [one.reason] : [])));
  }
  if (failures.length > 0) throw failures[0];
}
