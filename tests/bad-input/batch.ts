import type { Config } from '../../src/config.ts';
import type { BadRequest, Expectation, Sender } from './bad-request.ts';
import { markOf, type Traces, tracesSince } from './traces.ts';
import { faultOfAnswer } from './verdict.ts';

export interface Failure {
  readonly what: string;
  readonly why: string;
}

export interface BatchResult {
  readonly sent: number;
  readonly failures: readonly Failure[];
}

/** Sends all of them, as many at once as the sender has connections, and looks at every answer. */
async function sendAll(sender: Sender, requests: readonly BadRequest[], byRequestId: Map<string, string>) {
  const failures: Failure[] = [];
  const queue = requests.values();
  const work = async (): Promise<void> => {
    for (const request of queue) {
      try {
        const answer = await sender.send(request);
        byRequestId.set(String(answer.headers['x-openstack-request-id']), request.what);
        const why = faultOfAnswer(request, answer);
        if (why !== null) failures.push({ what: request.what, why });
      } catch (error) {
        failures.push({ what: request.what, why: `no answer: ${error}` });
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return failures;
}

const WHAT_MAY_BE_LEFT: Readonly<Record<Expectation, (traces: Traces) => Traces>> = {
  malformed: (traces) => traces,
  refused: (traces) => ({ ...traces, refusals: [] }),
  odd: () => ({ refusals: [], others: [], files: [] }),
};

/** Sends requests of one expectation; what they left behind is laid to the one that caused it. */
export async function runBatch(
  config: Config,
  sender: Sender,
  expect: Expectation,
  requests: readonly BadRequest[],
): Promise<BatchResult> {
  const mark = await markOf(config);
  const byRequestId = new Map<string, string>();
  const failures = await sendAll(sender, requests, byRequestId);
  const left = WHAT_MAY_BE_LEFT[expect](await tracesSince(config, mark));
  const byEvent = [...left.refusals, ...left.others].map(({ type, stream, metadata }) => ({
    what: byRequestId.get(metadata.correlationId) ?? 'some request',
    why: `left ${type} in ${stream}`,
  }));
  const byFile = left.files.map((file) => ({ what: 'some request', why: `a file ${file}` }));
  return { sent: requests.length, failures: [...failures, ...byEvent, ...byFile] };
}
