/** A function of one object that is worked out once for each, and remembered for as long as the object is in memory. */
export function remembered<A extends object, Result extends object | string | number | boolean>(
  workOut: (a: A) => Result,
): (a: A) => Result {
  const results = new WeakMap<A, Result>();
  return (a) => {
    let result = results.get(a);
    if (result === undefined) results.set(a, (result = workOut(a)));
    return result;
  };
}

/** The same of two objects: worked out once for each pair, for as long as both are in memory. */
export function rememberedByPair<A extends object, B extends object, Result extends object | string | number | boolean>(
  workOut: (a: A, b: B) => Result,
): (a: A, b: B) => Result {
  const of = remembered((a: A) => remembered((b: B) => workOut(a, b)));
  return (a, b) => of(a)(b);
}
