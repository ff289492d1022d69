import { Controller, Get, Header, Headers, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { wantsHtml } from './accept.js';
import { PublicRoute } from './permission.js';

const PLACES = { name: 'EFMS', api: '/api/v1', docs: '/docs', openapi: '/openapi.json', problems: '/problems' };

/** For whoever opens the bare address: browsers are sent on to the documentation, programs are told where things are. */
@ApiExcludeController()
@PublicRoute()
@Controller('/')
export class FrontDoorController {
  @Get()
  @Header('vary', 'accept')
  open(
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): typeof PLACES | undefined {
    if (!wantsHtml(accept)) return PLACES;
    void reply.status(302).header('location', PLACES.docs);
    return undefined;
  }
}
