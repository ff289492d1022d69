import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength, MinLength } from 'class-validator';
import { MAX_PASSWORD_LENGTH } from '../services/passwords.js';

export class LoginDto {
  @ApiProperty({ example: 'admin@efms.local', description: 'Upper and lower case are the same.' })
  @IsString()
  @MinLength(1)
  @MaxLength(320)
  email: string;

  @ApiProperty({ example: 'the password that the first start printed', format: 'password' })
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_PASSWORD_LENGTH)
  password: string;
}

export class RefreshTokenDto {
  @ApiProperty({ example: 'efmsr_lUe4…', description: 'The newest refresh token of the login.' })
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  refreshToken: string;
}

export class SessionDto {
  @ApiProperty({ description: 'For `Authorization: Bearer`.', example: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…' })
  accessToken: string;

  @ApiProperty({ type: 'integer', example: 900, description: 'Seconds that the access token is valid.' })
  expiresIn: number;

  @ApiProperty({ example: 'efmsr_lUe4…', description: 'Gets the next session, once.' })
  refreshToken: string;
}
