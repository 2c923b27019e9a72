/** Upper bounds of the duration buckets, in milliseconds. */
export const BUCKETS_MS: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

export interface OperationMetrics {
  /** Answers by status. */
  readonly answers: Map<number, number>;
  /** Durations by bucket; the last counts what took longer than every bound. */
  readonly buckets: Float64Array;
  durationMs: number;
}

/** Counts requests in plain memory, so that the metrics library is loaded only when somebody asks for the figures. */
export interface RequestMetrics {
  observe(operation: string, status: number, durationMs: number): void;
  readonly operations: ReadonlyMap<string, OperationMetrics>;
}

export function createRequestMetrics(): RequestMetrics {
  const operations = new Map<string, OperationMetrics>();
  return {
    operations,
    observe: (operation, status, durationMs) => {
      let metrics = operations.get(operation);
      if (metrics === undefined) {
        metrics = { answers: new Map(), buckets: new Float64Array(BUCKETS_MS.length + 1), durationMs: 0 };
        operations.set(operation, metrics);
      }
      metrics.answers.set(status, (metrics.answers.get(status) ?? 0) + 1);
      metrics.durationMs += durationMs;
      let bucket = 0;
      while (bucket < BUCKETS_MS.length && durationMs > (BUCKETS_MS[bucket] ?? 0)) bucket += 1;
      metrics.buckets[bucket] = (metrics.buckets[bucket] ?? 0) + 1;
    },
  };
}
