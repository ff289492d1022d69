import { Body, Controller, Get, HttpCode, Patch } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { RequestContext } from '../../common/context/request-context.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { SecretBody } from '../../common/http/body-parsers.js';
import { AuthenticatedRoute } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { ChangePasswordDto, MeDto } from '../dto/account.dto.js';
import { CurrentPrincipal, type Principal } from '../principal.js';
import { Accounts } from '../services/accounts.service.js';

@ApiTags('auth')
@ApiBearerAuth()
@Controller('me')
@AuthenticatedRoute()
export class MeController {
  constructor(private readonly accounts: Accounts) {}

  @Get()
  @ApiOperation({ summary: 'Who you are, in which tenant, and what you may do' })
  @ApiOkResponse({ type: MeDto })
  @ApiProblems(401)
  me(@CurrentPrincipal() principal: Principal): MeDto {
    return MeDto.of(principal);
  }

  @Patch('password')
  @SecretBody()
  @HttpCode(204)
  @ApiOperation({ summary: 'Change your password', description: 'Ends your other logins; not for API keys.' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 422, 429)
  changePassword(
    @Context() ctx: RequestContext,
    @CurrentPrincipal() principal: Principal,
    @Body() body: ChangePasswordDto,
  ): Promise<void> {
    return this.accounts.changePassword(ctx, principal, body);
  }
}
