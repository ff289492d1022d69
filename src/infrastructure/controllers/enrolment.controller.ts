import { Body, Controller, Header, Headers, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/http/api-problems.js';
import { SecretBody } from '../../common/http/body-parsers.js';
import { PublicRoute } from '../../common/http/permission.js';
import { type Origin, RequestOrigin } from '../../tenancy/index.js';
import { EnrolDto, EnrolledDto, enrolmentRequestOf } from '../dto/enrolment.dto.js';
import { Enrolment } from '../services/enrolment.service.js';

const BEARER = /^Bearer ([A-Za-z0-9_-]{1,200})$/i;

@ApiTags('enrolment')
@Controller('enrol')
export class EnrolmentController {
  constructor(private readonly enrolment: Enrolment) {}

  @Post()
  @SecretBody()
  @Header('cache-control', 'no-store')
  @PublicRoute()
  @ApiOperation({
    summary: 'Exchange an enrolment token for a credential',
    description:
      'The token goes into the body or into `Authorization: Bearer`. Credential and bootstrap are shown this once; a token works once per proxy. After many failures from one network, 429.',
  })
  @ApiCreatedResponse({ type: EnrolledDto })
  @ApiProblems(401, 409, 422, 429)
  async enrol(
    @RequestOrigin() origin: Origin,
    @Headers('authorization') authorization: string | undefined,
    @Body() body: EnrolDto,
  ): Promise<EnrolledDto> {
    const token = body.token ?? BEARER.exec(authorization ?? '')?.[1];
    return new EnrolledDto(await this.enrolment.enrol(origin, token, enrolmentRequestOf(body)));
  }
}
