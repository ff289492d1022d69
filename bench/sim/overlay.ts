import type { Given } from './client/history.ts';

/** What was asked for at any time under a name, and what holds now; undefined for what the snapshot says. */
interface Asked {
  readonly ever: Set<string>;
  now: string;
}

/** What is laid over the snapshots of one tenant, as it was asked for: endpoint overrides, and what secrets hold. */
export class Overlay {
  private readonly endpoints = new Map<string, Asked>();
  private readonly secrets = new Map<string, Asked>();

  /** @param said `/health*weight` as `endpointsIn` has it, empty for an override that ends */
  override(clusterName: string, place: string, said: string): void {
    note(this.endpoints, `${clusterName} ${place}`, said);
  }

  /** These are the overrides that there are, and no others. */
  settle(overrides: readonly { readonly clusterName: string; readonly place: string; readonly said: string }[]): void {
    for (const asked of this.endpoints.values()) asked.now = '';
    for (const { clusterName, place, said } of overrides) this.override(clusterName, place, said);
  }

  secret(name: string, value: string): void {
    note(this.secrets, name, value);
  }

  /** Whether endpoints are these, each as it is or with an override that was asked for at any time. */
  isOf([name, , detail]: Given, endpoints: string): boolean {
    return this.isEach(detail, endpoints, (place, said) => {
      return said === '' || (this.endpoints.get(`${name} ${place}`)?.ever.has(said) ?? false);
    });
  }

  /** Whether they are these with the overrides of now. */
  isOfNow([name, , detail]: Given, endpoints: string): boolean {
    return this.isEach(
      detail,
      endpoints,
      (place, said) => (this.endpoints.get(`${name} ${place}`)?.now ?? '') === said,
    );
  }

  isSecret([name, , value]: Given): boolean {
    return this.secrets.get(name)?.ever.has(value) ?? false;
  }

  isSecretNow([name, , value]: Given): boolean {
    return this.secrets.get(name)?.now === value;
  }

  private isEach(detail: string, endpoints: string, isSo: (place: string, said: string) => boolean): boolean {
    const given = detail.split(' ');
    const places = endpoints.split(' ');
    return (
      given.length === places.length &&
      places.every((place, i) => {
        const one = given[i] ?? '';
        return one.startsWith(place) && isSo(place, one.slice(place.length));
      })
    );
  }
}

function note(asked: Map<string, Asked>, name: string, said: string): void {
  const before = asked.get(name);
  if (before) {
    before.ever.add(said);
    before.now = said;
  } else asked.set(name, { ever: new Set([said]), now: said });
}
