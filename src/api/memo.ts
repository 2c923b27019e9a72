/** A value kept with an object for as long as that object lives. */
export interface Memo<O extends object, V> {
  of(object: O): V | undefined;
  keep(object: O, value: V): void;
}

/**
 * As a WeakMap, but the value is garbage as soon as its object is: V8 lets what a WeakMap holds live until the next full
 * collection, and these come and go with every request. It is no property that anybody sees, copies or writes out.
 */
export function createMemo<O extends object, V>(): Memo<O, V> {
  const key = Symbol('memo');
  return {
    of: (object) => (object as { readonly [key]?: V })[key],
    keep: (object, value) => {
      Object.defineProperty(object, key, { value, writable: true, configurable: true, enumerable: false });
    },
  };
}
