import net, { type Server, type Socket } from 'node:net';

/** Stands between a replica and its database, and can stop letting anything pass, or let go of everything. */
export class DatabaseRelay {
  readonly port: number;
  private readonly server: Server;
  private readonly target: { readonly host: string; readonly port: number };
  private readonly sockets = new Set<Socket>();
  private state: 'open' | 'stalled' | 'cut' = 'open';

  private constructor(server: Server, target: { readonly host: string; readonly port: number }) {
    this.server = server;
    this.target = target;
    const address = server.address();
    this.port = typeof address === 'object' && address ? address.port : 0;
    server.on('connection', (near) => this.relay(near));
  }

  /** @param url of the database */
  static async start(url: string): Promise<DatabaseRelay> {
    const { hostname, port } = new URL(url);
    const server = net.createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new DatabaseRelay(server, { host: hostname, port: Number(port || 5432) });
  }

  /** The same URL by way of the relay. */
  through(url: string): string {
    const changed = new URL(url);
    changed.hostname = '127.0.0.1';
    changed.port = String(this.port);
    return changed.href;
  }

  /** Nothing passes, and nothing is closed. */
  stall(): void {
    this.state = 'stalled';
    for (const socket of this.sockets) socket.pause();
  }

  /** All connections break, and there are no new ones. */
  cut(): void {
    this.state = 'cut';
    for (const socket of this.sockets) socket.destroy();
  }

  resume(): void {
    this.state = 'open';
    for (const socket of this.sockets) socket.resume();
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private relay(near: Socket): void {
    if (this.state === 'cut') {
      near.destroy();
      return;
    }
    const far = net.connect(this.target);
    this.pass(near, far);
    this.pass(far, near);
  }

  private pass(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (bytes: Buffer) => {
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => {
      if (this.state === 'open') from.resume();
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
    if (this.state === 'stalled') from.pause();
  }
}
