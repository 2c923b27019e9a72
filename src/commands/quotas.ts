import type { Amounts } from '../domain/quota/index.ts';
import { quotaDefaultsOf } from './charge.ts';
import { type CommandDependencies, type CommandResult, plainResult } from './dependencies.ts';
import type { CommandContext } from './handle.ts';
import { QUOTA_CLASSES_STREAM, quotaAggregate, quotaClassesAggregate, quotaStream } from './streams.ts';

/** Limits of projects and of quota classes; keys are those of the ledger (`volumes`, `gigabytes:<typeId>`, ...). */
export interface QuotaCommands {
  /** Merged into the project's own limits; `limits` of the result are all its own. */
  setLimits(
    input: { readonly projectId: string; readonly limits: Amounts },
    context: CommandContext,
  ): Promise<CommandResult<{ readonly limits: Amounts }>>;
  /** The project takes the defaults again; what it uses stays. */
  deleteLimits(input: { readonly projectId: string }, context: CommandContext): Promise<CommandResult>;
  /** Merged into the limits of the class. */
  setClassLimits(
    input: { readonly className: string; readonly limits: Amounts },
    context: CommandContext,
  ): Promise<CommandResult>;
}

export function createQuotaCommands(deps: Pick<CommandDependencies, 'handler' | 'defaults'>): QuotaCommands {
  const { handler } = deps;
  return {
    setLimits: async ({ projectId, limits }, context) => {
      const { typeNames } = await quotaDefaultsOf(deps);
      const command = { type: 'SetQuotaLimits', projectId, limits, typeNames } as const;
      const outcome = await handler.handle(quotaAggregate, quotaStream(projectId), command, context);
      if (outcome.kind === 'rejected') return outcome;
      return { kind: 'accepted', position: outcome.position, limits: outcome.state.limits };
    },
    deleteLimits: async ({ projectId }, context) => {
      const command = { type: 'DeleteQuotaLimits', projectId } as const;
      const outcome = await handler.handle(quotaAggregate, quotaStream(projectId), command, context);
      return plainResult(outcome);
    },
    setClassLimits: async ({ className, limits }, context) => {
      const command = { type: 'SetQuotaClassLimits', className, limits } as const;
      const outcome = await handler.handle(quotaClassesAggregate, QUOTA_CLASSES_STREAM, command, context);
      return plainResult(outcome);
    },
  };
}
