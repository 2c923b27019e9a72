import { createOperationQueries, type OperationDocument } from '../projections/operations.ts';
import { print, printRecord, printRows, timeText } from './output.ts';
import type { CommonOptions } from './program.ts';
import { askServer } from './server-client.ts';
import { withReadStore } from './stores.ts';

interface ListOptions extends CommonOptions {
  readonly status?: string;
  readonly project?: string;
  readonly limit: number;
}

/** `scoria operations list`. */
export async function operationsList(options: ListOptions): Promise<void> {
  await withReadStore(options, async (store) => {
    const operations = await createOperationQueries(store).list({
      projectId: options.project ?? null,
      ...(options.status === undefined ? {} : { where: { status: { eq: options.status } } }),
      limit: options.limit,
    });
    const rows = options.json === true ? operations : operations.map(briefly);
    printRows(rows, ['id', 'kind', 'status', 'step', 'resource', 'project', 'started', 'reason'], options);
  });
}

const briefly = (operation: OperationDocument): Record<string, unknown> => ({
  id: operation.id,
  kind: operation.kind,
  status: operation.status,
  step: operation.step,
  resource: `${operation.resourceType} ${operation.resourceId}`,
  project: operation.projectId,
  started: timeText(operation.startedAt),
  reason: operation.reason?.message,
});

/** `scoria operations show`. */
export async function operationsShow(id: string, options: CommonOptions): Promise<void> {
  await withReadStore(options, async (store) => {
    const operation = await createOperationQueries(store).get(id);
    if (operation === null) throw new Error(`operation ${id} could not be found`);
    if (options.json === true) {
      printRecord(operation, options);
      return;
    }
    printRecord(briefly(operation), options);
    print('');
    const timeline = operation.timeline.map((entry) => ({ ...entry, at: timeText(entry.at) }));
    printRows(timeline, ['at', 'event', 'step', 'attempt', 'reason'], options);
  });
}

/** `scoria operations retry|abandon`, through the running server. */
export async function operationsResume(id: string, action: 'retry' | 'abandon', options: CommonOptions): Promise<void> {
  await askServer(options, 'POST', `/admin/operations/${encodeURIComponent(id)}/action`, { [action]: null });
  printRecord({ id, action, accepted: true }, options);
}
