/** What a benchmark prints: one JSON line per figure, the same names in every one. */
export interface Figure {
  readonly what: string;
  readonly per_second?: number;
  readonly p50_ms?: number;
  readonly p99_ms?: number;
  /** Against the yardstick that was measured in the same run. */
  readonly ratio?: number;
  /** What `ratio` is taken against. */
  readonly yardstick?: string;
  /** The same of processor time for one request: what is left where the load generator is the limit. */
  readonly processor_ratio?: number;
  /** Processor time of the server for one of these, all its threads: what hardly depends on how busy the machine is. */
  readonly processor_ms?: number;
  readonly mib?: number;
  readonly seconds?: number;
  readonly note?: string;
}

export const print = (figure: Figure): void => console.log(JSON.stringify(figure));

export const rounded = (value: number): number => Number(value.toPrecision(4));

/** The value below which `share` (0 to 1) of the values lie; NaN where there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Rate, median and tail of things done one after the other or side by side. */
export const figureOf = (what: string, durationsMs: readonly number[], elapsedMs: number): Figure => ({
  what,
  per_second: rounded((durationsMs.length / elapsedMs) * 1_000),
  p50_ms: rounded(percentile(durationsMs, 0.5)),
  p99_ms: rounded(percentile(durationsMs, 0.99)),
});

/** Whether the short form is asked for, which CI runs. */
export const isShort = process.argv.includes('--short');
/** Whether figures of 100,000 and more are asked for (`npm run bench:scale`). */
export const isScale = process.argv.includes('--scale');
