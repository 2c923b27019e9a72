/** Calls that last until the client or the server ends them. */
export interface ActiveCalls {
  begin(): ActiveCall;
  closeAll(): void;
  /** Resolves once all of them are over. */
  settled(): Promise<void>;
}

export interface ActiveCall {
  /** Aborts when the call is cancelled or the server closes. */
  readonly closing: AbortSignal;
  cancel(): void;
  /** The call is over. */
  end(): void;
}

export function createActiveCalls(): ActiveCalls {
  const active = new Set<AbortController>();
  let closed = false;
  let whenSettled: (() => void) | null = null;
  return {
    begin: () => {
      const controller = new AbortController();
      active.add(controller);
      if (closed) controller.abort();
      return {
        closing: controller.signal,
        cancel: () => controller.abort(),
        end: () => {
          active.delete(controller);
          if (active.size === 0) whenSettled?.();
        },
      };
    },
    closeAll: () => {
      closed = true;
      for (const controller of active) controller.abort();
    },
    settled: () =>
      new Promise((resolve) => {
        if (active.size === 0) resolve();
        else whenSettled = resolve;
      }),
  };
}
