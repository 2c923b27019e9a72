import { match } from 'ts-pattern';
import { accepted, type Decider, type Decision, rejected } from '../kernel/decider.ts';
import { type Rejection, reject } from '../kernel/rejection.ts';
import type { ServiceCommand } from './commands.ts';
import { type ServiceEvent, serviceEvents } from './events.ts';

export type { ServiceCommand } from './commands.ts';
export type { ServiceEvent } from './events.ts';

/** A service that registered at some time. Up or down is judged from its heartbeat, not from here. */
export interface Service {
  readonly binary: string;
  readonly host: string;
  readonly serviceUuid: string;
  readonly availabilityZone: string;
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  /** Refuses creates, deletes and snapshots on its resources. */
  readonly frozen: boolean;
}

/** null before it registered. */
export type ServiceState = Service | null;

function decideService(command: ServiceCommand, service: ServiceState): Decision<ServiceEvent> {
  if (command.type === 'RegisterService') return register(command, service);
  if (service === null) return rejected(notRegistered(command));
  const { binary, host } = command;
  return match(command)
    .returnType<Decision<ServiceEvent>>()
    .with({ type: 'EnableService' }, () =>
      service.enabled ? accepted() : accepted({ type: 'ServiceEnabled', data: { binary, host } }),
    )
    .with({ type: 'DisableService' }, (disable) => {
      const reason = disable.reason ?? service.disabledReason;
      if (!service.enabled && reason === service.disabledReason) return accepted();
      return accepted({ type: 'ServiceDisabled', data: { binary, host, reason } });
    })
    .with({ type: 'FreezeService' }, () =>
      service.frozen
        ? rejected(reject('InvalidInput', { reason: `service ${binary}@${host} is frozen already` }))
        : accepted({ type: 'ServiceFrozen', data: { binary, host } }),
    )
    .with({ type: 'ThawService' }, () =>
      service.frozen
        ? accepted({ type: 'ServiceThawed', data: { binary, host } })
        : rejected(reject('InvalidInput', { reason: `service ${binary}@${host} is not frozen` })),
    )
    .exhaustive();
}

/** Started again with another zone, it is recorded again, under the UUID it has. */
function register(
  { serviceUuid, binary, host, availabilityZone }: Extract<ServiceCommand, { type: 'RegisterService' }>,
  service: ServiceState,
): Decision<ServiceEvent> {
  if (service?.availabilityZone === availabilityZone) return accepted();
  return accepted({
    type: 'ServiceRegistered',
    data: { serviceUuid: service?.serviceUuid ?? serviceUuid, binary, host, availabilityZone },
  });
}

/** The original answers 404 to enable and disable, and 400 to freeze and thaw (contract/operations.json). */
function notRegistered({ type, binary, host }: ServiceCommand): Rejection {
  const id = `${binary}@${host}`;
  if (type === 'EnableService' || type === 'DisableService') return reject('ServiceNotFound', { id });
  return reject('InvalidInput', { reason: `no service ${id} has registered` });
}

/** Freezing disables a service too, thawing enables it (contract/states.json host.freeze, host.thaw). */
function evolveService(service: ServiceState, event: ServiceEvent): ServiceState {
  if (event.type === 'ServiceRegistered') {
    return { ...(service ?? { enabled: true, disabledReason: null, frozen: false }), ...event.data };
  }
  if (service === null) return null;
  switch (event.type) {
    case 'ServiceEnabled':
      return { ...service, enabled: true, disabledReason: null };
    case 'ServiceDisabled':
      return { ...service, enabled: false, disabledReason: event.data.reason };
    case 'ServiceFrozen':
      return { ...service, frozen: true, enabled: false, disabledReason: 'frozen' };
    case 'ServiceThawed':
      return { ...service, frozen: false, enabled: true, disabledReason: null };
  }
}

export const serviceDecider: Decider<ServiceCommand, ServiceState, ServiceEvent> = {
  initial: null,
  decide: decideService,
  evolve: evolveService,
};

/** One service, on the stream `service-<binary@host>`. */
export const service = { decider: serviceDecider, catalogue: serviceEvents };
