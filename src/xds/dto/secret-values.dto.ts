import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsNotEmptyObject,
  IsString,
  Length,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { MayBeLeftOut } from '../../common/http/request-fields.js';
import {
  type GenericSecretValues,
  SAN_TYPES,
  type SecretValues,
  type SessionTicketKeysValues,
  type SubjectAltNameValues,
  type TlsCertificateValues,
  type ValidationContextValues,
} from '../secrets/secret-values.js';

const MAX_LIST = 100;
const MAX_TICKET_KEYS = 10;
const MAX_GENERIC = 64 * 1024;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n';

export class TlsCertificateDto implements TlsCertificateValues {
  @ApiProperty({ example: CERTIFICATE, description: 'PEM: the own certificate, then those that lead to its CA.' })
  @IsString()
  certificateChain: string;

  @ApiProperty({ writeOnly: true, description: 'PEM, not encrypted; RSA of 2048 bits or more, or ECDSA.' })
  @IsString()
  privateKey: string;
}

export class SubjectAltNameDto implements SubjectAltNameValues {
  @ApiProperty({ enum: SAN_TYPES, example: 'dns' })
  @IsIn(SAN_TYPES)
  type: SubjectAltNameValues['type'];

  @ApiPropertyOptional({ example: 'api.example.com', description: 'Exactly one of these is given.' })
  @MayBeLeftOut()
  @IsString()
  @Length(1, 1000)
  exact?: string;

  @ApiPropertyOptional()
  @MayBeLeftOut()
  @IsString()
  @Length(1, 1000)
  prefix?: string;

  @ApiPropertyOptional()
  @MayBeLeftOut()
  @IsString()
  @Length(1, 1000)
  suffix?: string;

  @ApiPropertyOptional()
  @MayBeLeftOut()
  @IsString()
  @Length(1, 1000)
  contains?: string;
}

export class ValidationContextDto implements ValidationContextValues {
  @ApiPropertyOptional({ example: CERTIFICATE, description: 'PEM: the CAs that the other side is trusted by.' })
  @MayBeLeftOut()
  @IsString()
  trustedCa?: string;

  @ApiPropertyOptional({ type: [SubjectAltNameDto], description: 'One of them has to match.' })
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(MAX_LIST)
  @ValidateNested({ each: true })
  @Type(() => SubjectAltNameDto)
  subjectAltNames?: SubjectAltNameDto[];

  @ApiPropertyOptional({ type: [String], description: 'SHA-256 of certificates in hexadecimal.' })
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(MAX_LIST)
  @Matches(/^[0-9a-f]{64}$/i, { each: true, message: 'certificateHashes must each be SHA-256 in hexadecimal' })
  certificateHashes?: string[];

  @ApiPropertyOptional({ type: [String], description: 'SHA-256 of public keys in base64.' })
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(MAX_LIST)
  @Matches(/^[A-Za-z0-9+/]{43}=$/, { each: true, message: 'spkiHashes must each be SHA-256 in base64' })
  spkiHashes?: string[];
}

export class GenericSecretDto implements GenericSecretValues {
  @ApiPropertyOptional({
    writeOnly: true,
    example: 'a password',
    description: 'Text; or give `base64`.',
  })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(MAX_GENERIC)
  value?: string;

  @ApiPropertyOptional({ writeOnly: true, description: 'Bytes in base64.' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(MAX_GENERIC)
  @Matches(BASE64, { message: 'base64 must be base64 without blanks' })
  base64?: string;
}

export class SessionTicketKeysDto implements SessionTicketKeysValues {
  @ApiProperty({
    type: [String],
    writeOnly: true,
    description: 'Keys of 80 bytes in base64; new tickets are sealed with the first, the others still open old ones.',
  })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_TICKET_KEYS)
  @MaxLength(200, { each: true })
  @Matches(BASE64, { each: true, message: 'keys must each be base64 without blanks' })
  keys: string[];
}

/** The content of a secret; exactly one of the four. It is never shown again. */
export class SecretValuesDto implements SecretValues {
  @ApiPropertyOptional({ type: TlsCertificateDto })
  @MayBeLeftOut()
  @IsNotEmptyObject()
  @ValidateNested()
  @Type(() => TlsCertificateDto)
  tlsCertificate?: TlsCertificateDto;

  @ApiPropertyOptional({ type: ValidationContextDto })
  @MayBeLeftOut()
  @IsNotEmptyObject()
  @ValidateNested()
  @Type(() => ValidationContextDto)
  validationContext?: ValidationContextDto;

  @ApiPropertyOptional({ type: GenericSecretDto })
  @MayBeLeftOut()
  @IsNotEmptyObject()
  @ValidateNested()
  @Type(() => GenericSecretDto)
  genericSecret?: GenericSecretDto;

  @ApiPropertyOptional({ type: SessionTicketKeysDto })
  @MayBeLeftOut()
  @IsNotEmptyObject()
  @ValidateNested()
  @Type(() => SessionTicketKeysDto)
  sessionTicketKeys?: SessionTicketKeysDto;
}
