import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/http/api-problems.js';
import { PublicRoute } from '../../common/http/permission.js';
import { LoginDto, RefreshTokenDto, SessionDto } from '../dto/session.dto.js';
import { RequestOrigin } from '../guards/origin.decorator.js';
import { type Origin, Sessions } from '../services/sessions.service.js';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(private readonly sessions: Sessions) {}

  @Post('login')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @PublicRoute()
  @ApiOperation({ summary: 'Log in with e-mail and password' })
  @ApiOkResponse({ type: SessionDto })
  @ApiProblems(401, 422)
  login(@RequestOrigin() origin: Origin, @Body() body: LoginDto): Promise<SessionDto> {
    return this.sessions.login(origin, body.email, body.password);
  }

  @Post('refresh')
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

  @Post('logout')
  @HttpCode(204)
  @PublicRoute()
  @ApiOperation({ summary: 'End the login that a refresh token belongs to' })
  @ApiNoContentResponse()
  @ApiProblems(422)
  logout(@Body() body: RefreshTokenDto): Promise<void> {
    return this.sessions.logout(body.refreshToken);
  }
}
