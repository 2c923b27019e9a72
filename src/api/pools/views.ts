import { capabilitiesOf, type PoolReport } from '../../domain/placement/index.ts';

/** A pool as the brief list shows it. */
export const poolView = ({ pool }: PoolReport): object => ({ name: pool });

/** A pool with everything its backend reports; of a protocol's spellings the usual one. */
export function poolDetailView(report: PoolReport): object {
  const capabilities = {
    ...capabilitiesOf(report),
    storage_protocol: report.storageProtocol,
    total_volumes: report.volumeCount,
    backend_state: 'up',
  };
  return { name: report.pool, capabilities };
}
