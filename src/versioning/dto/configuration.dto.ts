import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsString, Length, MaxLength } from 'class-validator';
import { IsResourceName, MayBeLeftOut } from '../../common/http/request-fields.js';
import { checkedBody } from '../../common/http/checked-body.js';
import type { ConfigurationContent, ConfigurationWithBranches } from '../services/configurations.service.js';

/** What people may say about a configuration. */
export class ConfigurationContentDto {
  @ApiPropertyOptional({ example: 'Ingress of the edge proxies', default: '' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(2000)
  description: string = '';

  @ApiPropertyOptional({ type: [String], example: ['ingress'], default: [] })
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(50)
  @IsString({ each: true })
  @Length(1, 100, { each: true })
  tags: string[] = [];
}

export class CreateConfigurationDto extends ConfigurationContentDto {
  @ApiProperty({ example: 'edge', description: 'Unique in the tenant.' })
  @IsResourceName()
  name: string;
}

/** A merge patch (RFC 7396) of a configuration; here for the OpenAPI document, checked after merging. */
export class PatchConfigurationDto {
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Ingress of the edge proxies' })
  description?: string | null;

  @ApiPropertyOptional({ type: [String], nullable: true, example: ['ingress'] })
  tags?: string[] | null;
}

export class BranchDto {
  @ApiProperty({ example: 'main' })
  name: string;

  @ApiProperty({ type: 'integer', nullable: true, example: null, description: 'Number of the newest version, if any.' })
  head: number | null;
}

export class ConfigurationDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'edge' })
  name: string;

  @ApiProperty({ example: 'Ingress of the edge proxies' })
  description: string;

  @ApiProperty({ enum: ['configuration', 'template'] })
  kind: 'configuration' | 'template';

  @ApiProperty({ type: [String], example: ['ingress'] })
  tags: readonly string[];

  @ApiProperty({ type: [BranchDto] })
  branches: readonly BranchDto[];

  @ApiProperty({ format: 'date-time' })
  createdAt: Date;

  @ApiProperty({ format: 'date-time' })
  updatedAt: Date;

  static of({ configuration, branches }: ConfigurationWithBranches): ConfigurationDto {
    const { id, name, description, kind, tags, createdAt, updatedAt } = configuration;
    return { id, name, description, kind, tags, branches, createdAt, updatedAt };
  }
}

export class ConfigurationPageDto {
  @ApiProperty({ type: [ConfigurationDto] })
  items: readonly ConfigurationDto[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

/** Checks a description that was put together here, by the rules for those that come over HTTP. @throws ProblemError 422 */
export function checkedConfiguration(candidate: unknown): Promise<ConfigurationContent> {
  return checkedBody(ConfigurationContentDto, candidate);
}
