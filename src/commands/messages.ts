import { type CommandDependencies, type CommandResult, plainResult } from './dependencies.ts';
import type { CommandContext } from './handle.ts';
import { messagesAggregate, messagesStream } from './streams.ts';

export interface MessageCommands {
  /** Whether the message is there is for the API to check: messages are made by a projection. */
  delete(
    input: { readonly projectId: string; readonly messageId: string },
    context: CommandContext,
  ): Promise<CommandResult>;
}

export const createMessageCommands = ({ handler }: Pick<CommandDependencies, 'handler'>): MessageCommands => ({
  delete: async (input, context) => {
    const command = { type: 'DeleteMessage', ...input } as const;
    const outcome = await handler.handle(messagesAggregate, messagesStream(input.projectId), command, context);
    return plainResult(outcome);
  },
});
