import { deriveId } from '../domain/kernel/ids.ts';
import type { Instant } from '../domain/kernel/units.ts';
import type { ServiceCommand } from '../domain/service/index.ts';
import { type CommandDependencies, type CommandResult, plainResult } from './dependencies.ts';
import type { CommandContext, CommandHandler } from './handle.ts';
import { serviceAggregate, serviceStream } from './streams.ts';
import { systemContext } from './system.ts';

type Done = Promise<CommandResult>;

/** `host` of a service that owns a backend is `host@backend`. */
interface OfService {
  readonly binary: string;
  readonly host: string;
}

/** The same for the same name, whichever process of it asks. */
export const serviceUuidOf = ({ binary, host }: OfService): string => deriveId('service', binary, host);

export interface ServiceCommands {
  /** Sent by the service itself at each start; its UUID is the same for the same name. */
  register(input: OfService & { readonly availabilityZone: string }, context: CommandContext): Done;
  enable(input: OfService, context: CommandContext): Done;
  /** `reason` null keeps the one that is there. */
  disable(input: OfService & { readonly reason: string | null }, context: CommandContext): Done;
  freeze(input: OfService, context: CommandContext): Done;
  thaw(input: OfService, context: CommandContext): Done;
}

export function createServiceCommands({ handler }: Pick<CommandDependencies, 'handler'>): ServiceCommands {
  const send = async (command: ServiceCommand, context: CommandContext): Done => {
    const { binary, host } = command;
    const outcome = await handler.handle(serviceAggregate, serviceStream(binary, host), command, context);
    return plainResult(outcome);
  };

  return {
    register: (input, context) =>
      send({ type: 'RegisterService', serviceUuid: serviceUuidOf(input), ...input }, context),
    enable: (input, context) => send({ type: 'EnableService', ...input }, context),
    disable: (input, context) => send({ type: 'DisableService', ...input }, context),
    freeze: (input, context) => send({ type: 'FreezeService', ...input }, context),
    thaw: (input, context) => send({ type: 'ThawService', ...input }, context),
  };
}

/** A service registers itself. Where nothing has changed since, that is no event. `at`: now, so that each start is a command of its own. */
export async function registerService(
  handler: CommandHandler,
  service: OfService & { readonly availabilityZone: string },
  at: Instant,
): Promise<void> {
  const commandId = deriveId('register', service.binary, service.host, String(at));
  await createServiceCommands({ handler }).register(service, systemContext(commandId, { causationId: 'start' }));
}
