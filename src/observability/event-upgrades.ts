import type { IncomingMessage } from 'node:http';

/** Where events are followed over WebSocket. */
export const EVENTS_SOCKET_PATH = '/api/v1/events/ws';

/**
 * Whether a request asks for a connection that EFMS has. Any other wish to change the protocol is not heard (RFC 9110 §7.8): some clients
 * say `h2c` with every request.
 */
export function isEventUpgrade({ headers, url = '' }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && url.split('?')[0] === EVENTS_SOCKET_PATH;
}

/** Whether the page that asks, if one does, is from this server: as for the rest of the API, no other page may. */
export function isSameOrigin({ headers: { origin, host = '' } }: Pick<IncomingMessage, 'headers'>): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host: from } = new URL(origin);
  const own = `${protocol}//${host}`;
  return from !== '' && URL.canParse(own) && new URL(own).host === from;
}
