import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/http/api-problems.js';
import { SecretBody } from '../../common/http/body-parsers.js';
import { PublicRoute } from '../../common/http/permission.js';
import { LoginDto, RefreshTokenDto, SessionDto } from '../dto/session.dto.js';
import { RequestOrigin } from '../guards/origin.decorator.js';
import { AcceptInvitationDto } from '../dto/user.dto.js';
import { Invitations } from '../services/invitations.js';
import { type Origin, Sessions } from '../services/sessions.service.js';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(
    private readonly sessions: Sessions,
    private readonly invitations: Invitations,
  ) {}

  @Post('login')
  @SecretBody()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @PublicRoute()
  @ApiOperation({
    summary: 'Log in with e-mail and password',
    description: 'Ten failures of an e-mail, or a hundred of an address, in a quarter of an hour are answered 429.',
  })
  @ApiOkResponse({ type: SessionDto })
  @ApiProblems(401, 422, 429)
  login(@RequestOrigin() origin: Origin, @Body() body: LoginDto): Promise<SessionDto> {
    return this.sessions.login(origin, body.email, body.password);
  }

  @Post('refresh')
  @SecretBody()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @PublicRoute()
  @ApiOperation({
    summary: 'Get the next session for a refresh token',
    description: 'Each refresh token works once. One that comes again ends the login it belongs to.',
  })
  @ApiOkResponse({ type: SessionDto })
  @ApiProblems(401, 422)
  refresh(@RequestOrigin() origin: Origin, @Body() body: RefreshTokenDto): Promise<SessionDto> {
    return this.sessions.refresh(origin, body.refreshToken);
  }

  @Post('accept-invitation')
  @SecretBody()
  @HttpCode(204)
  @PublicRoute()
  @ApiOperation({ summary: 'Set your password with an invitation', description: 'Then log in with it.' })
  @ApiNoContentResponse()
  @ApiProblems(401, 422)
  acceptInvitation(@RequestOrigin() origin: Origin, @Body() body: AcceptInvitationDto): Promise<void> {
    return this.invitations.accept(origin, body.token, body.password);
  }

  @Post('logout')
  @SecretBody()
  @HttpCode(204)
  @PublicRoute()
  @ApiOperation({ summary: 'End the login that a refresh token belongs to' })
  @ApiNoContentResponse()
  @ApiProblems(422)
  logout(@Body() body: RefreshTokenDto): Promise<void> {
    return this.sessions.logout(body.refreshToken);
  }
}
