import { VOLUME_BINARY } from '../../commands/frozen.ts';
import type { Call } from '../call.ts';
import { apiTimeOrNull } from '../times.ts';
import type { LiveService } from './liveness.ts';

const CLUSTERS = 7;
export const BACKEND_STATES = 49;

/** A service as the list shows it; `backendState` is null where its backend may not be used now. */
export function serviceView(call: Call, { service, up, updatedAt }: LiveService, backendState: string | null): object {
  const { microversion } = call;
  const isVolumeService = service.binary === VOLUME_BINARY;
  return {
    binary: service.binary,
    host: service.host,
    zone: service.availabilityZone,
    status: service.enabled ? 'enabled' : 'disabled',
    state: up ? 'up' : 'down',
    updated_at: apiTimeOrNull(updatedAt),
    disabled_reason: service.disabledReason,
    ...(microversion >= CLUSTERS ? { cluster: null } : {}),
    ...(isVolumeService ? { replication_status: 'disabled', active_backend_id: null, frozen: service.frozen } : {}),
    ...(isVolumeService && microversion >= BACKEND_STATES ? { backend_state: backendState } : {}),
  };
}
