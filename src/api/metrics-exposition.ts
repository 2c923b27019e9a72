import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Metric } from './dependencies.ts';
import { BUCKETS_MS, type RequestMetrics } from './request-metrics.ts';
import { lazy } from './schema-versions.ts';

/** Figures of the process itself; the library keeps watching from the first request on. */
const processRegistry = lazy(() => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
});

/** Everything known now in Prometheus' text format. */
export async function exposition(
  requests: RequestMetrics,
  more: readonly Metric[],
): Promise<{ readonly contentType: string; readonly text: string }> {
  const registry = new Registry();
  addRequests(registry, requests);
  for (const metric of more) addMetric(registry, metric);
  const text = (await Promise.all([processRegistry().metrics(), registry.metrics()])).join('\n');
  return { contentType: registry.contentType, text };
}

function addRequests(registry: Registry, { operations }: RequestMetrics): void {
  const answers = new Counter({
    name: 'scoria_http_requests_total',
    help: 'Requests answered, by operation and status',
    labelNames: ['operation', 'status'],
    registers: [registry],
  });
  const seconds = new Counter({
    name: 'scoria_http_request_duration_seconds_sum',
    help: 'Time spent answering, by operation',
    labelNames: ['operation'],
    registers: [registry],
  });
  const buckets = new Counter({
    name: 'scoria_http_request_duration_seconds_bucket',
    help: 'Requests answered within `le` seconds, by operation',
    labelNames: ['operation', 'le'],
    registers: [registry],
  });
  for (const [operation, metrics] of operations) {
    for (const [status, count] of metrics.answers) answers.inc({ operation, status }, count);
    seconds.inc({ operation }, metrics.durationMs / 1000);
    let within = 0;
    for (const [index, count] of metrics.buckets.entries()) {
      within += count;
      const bound = BUCKETS_MS[index];
      buckets.inc({ operation, le: bound === undefined ? '+Inf' : String(bound / 1000) }, within);
    }
  }
}

function addMetric(registry: Registry, { name, help, kind, samples }: Metric): void {
  const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))];
  const options = { name, help, labelNames, registers: [registry] };
  if (kind === 'counter') {
    const counter = new Counter(options);
    for (const { labels, value } of samples) counter.inc(labels, value);
    return;
  }
  const gauge = new Gauge(options);
  for (const { labels, value } of samples) gauge.set(labels, value);
}
