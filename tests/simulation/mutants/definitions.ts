import type { OperationDefinition, Send, Step, StepContext } from '../../../src/sagas/operation.ts';

/** Any step: mutants do not care what its operation's request looks like. */
export type AnyStep = Step<never>;
export type AnyContext = StepContext<never>;

type Mutation = (definitions: readonly OperationDefinition[]) => readonly OperationDefinition[];

/** The definitions with one step of one operation changed; of a `forEach`, the step of every item. */
export const withStep =
  (kind: string, name: string, change: (step: AnyStep) => AnyStep): Mutation =>
  (definitions) =>
    definitions.map((definition) => {
      if (definition.kind !== kind) return definition;
      const named = (step: AnyStep): boolean => step.name === name;
      const steps = definition.steps.map((part) => {
        if (!('items' in part)) return named(part) ? change(part) : part;
        return named(part.step('any')) ? { ...part, step: (item: string) => change(part.step(item)) } : part;
      });
      if (steps.every((step, index) => step === definition.steps[index]))
        throw new Error(`${kind} has no step ${name}`);
      return { ...definition, steps };
    });

/** The step with something else done in place of its work. */
export const runs =
  (run: (context: AnyContext, original: AnyStep['run']) => Promise<unknown>) =>
  (step: AnyStep): AnyStep => ({ ...step, run: (context) => run(context, (given) => step.run(given)) });

/** The step with something else done before it is undone. */
export const undoesFirst =
  (before: (context: AnyContext) => Promise<void>) =>
  (step: AnyStep): AnyStep => ({
    ...step,
    undo: async (context) => {
      await before(context);
      await step.undo?.(context);
    },
  });

/** A context in which commands of one type are never sent, though they seem to be done. */
export function withoutSending(context: AnyContext, type: string): AnyContext {
  const unless = (send: Send): Send =>
    ((aggregate, stream, command, role) =>
      command.type === type
        ? Promise.resolve({
            kind: 'accepted',
            events: [{ type: 'Pretended', data: {} }],
            state: aggregate.decider.initial,
            position: null,
          })
        : send(aggregate, stream, command, role)) as Send;
  return { ...context, send: unless(context.send), sendOnce: unless(context.sendOnce) };
}
