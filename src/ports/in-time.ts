import type { Clock } from './clock.ts';

/** What came of it within so many ms: the answer, or the error, or `late`. */
export async function inTime<T>(clock: Clock, work: Promise<T>, ms: number): Promise<T | Error | 'late'> {
  const timer = new AbortController();
  const answer = work.catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
  const late = clock.sleep(ms, timer.signal).then(
    () => 'late' as const,
    () => 'late' as const,
  );
  const first = await Promise.race([answer, late]);
  timer.abort('answered');
  return first;
}
