import { deriveId } from '../domain/kernel/ids.ts';
import type { ServiceCommand } from '../domain/service/index.ts';
import { type CommandDependencies, type CommandResult, plainResult } from './dependencies.ts';
import type { CommandContext } from './handle.ts';
import { serviceAggregate, serviceStream } from './streams.ts';

type Done = Promise<CommandResult>;

/** `host` of a service that owns a backend is `host@backend`. */
interface OfService {
  readonly binary: string;
  readonly host: string;
}

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
      send({ type: 'RegisterService', serviceUuid: deriveId('service', input.binary, input.host), ...input }, context),
    enable: (input, context) => send({ type: 'EnableService', ...input }, context),
    disable: (input, context) => send({ type: 'DisableService', ...input }, context),
    freeze: (input, context) => send({ type: 'FreezeService', ...input }, context),
    thaw: (input, context) => send({ type: 'ThawService', ...input }, context),
  };
}
