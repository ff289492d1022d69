/** Injects the process's Config: `@Inject(CONFIG) config: Config`. */
export const CONFIG = Symbol('efms:config');
