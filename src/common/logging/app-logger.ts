import { Injectable } from '@nestjs/common';
import { Logger } from 'nestjs-pino';

/** What Nest tells of its own assembly; of interest only to whoever debugs that. */
const ASSEMBLY = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'NestMicroservice',
  'RouterExplorer',
  'RoutesResolver',
]);

/** The logger of the process: JSON lines by pino, with Nest's account of its own start at level debug. */
@Injectable()
export class AppLogger extends Logger {
  override log(message: unknown, ...details: unknown[]): void {
    if (ASSEMBLY.has(String(details.at(-1)))) super.debug(message, ...details);
    else super.log(message, ...details);
  }
}
