import { Controller, Get, Header, Headers, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { problems } from '../errors/problem.js';
import { inWantedForm } from './accept.js';
import { PublicRoute } from './permission.js';
import { htmlOfAll, htmlOfOne, type ProblemPage, problemPages } from './problem-pages.js';
import { PROBLEM_BASE } from './problem.filter.js';

/** Where the `type` of a problem document leads: HTML for browsers, otherwise JSON. */
@ApiExcludeController()
@PublicRoute()
@Controller('problems')
export class ProblemPagesController {
  @Get()
  @Header('vary', 'accept')
  list(
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): string | { readonly items: readonly ProblemPage[] } {
    const items = problemPages();
    return inWantedForm(reply, accept, { json: { items }, html: () => htmlOfAll(items) });
  }

  @Get(':code')
  @Header('vary', 'accept')
  one(
    @Param('code') code: string,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): string | ProblemPage {
    const page = problemPages().find(({ type }) => type === PROBLEM_BASE + code);
    if (!page) throw problems.notFound({ detail: 'No problem is called so; GET /problems lists them.' });
    return inWantedForm(reply, accept, { json: page, html: () => htmlOfOne(page) });
  }
}
