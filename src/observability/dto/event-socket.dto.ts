import { ArrayMaxSize, IsArray, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { EVENT_TYPE, EVENT_TYPE_RULE, MAX_TYPES } from './event.dto.js';

/** What a client over WebSocket follows, and who it is: its first message, or what its headers and the query say. */
export class EventSocketStart {
  /** Access token or API key. */
  @IsString()
  @MaxLength(4096)
  token: string;

  /** As the header `X-EFMS-Tenant`. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  tenant?: string;

  @IsOptional()
  @IsString()
  @MaxLength(4096)
  lastEventId?: string;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_TYPES)
  @Matches(EVENT_TYPE, { each: true, message: EVENT_TYPE_RULE })
  types?: string[];

  /** Id of the one deployment to follow. */
  @IsOptional()
  @IsString()
  @MaxLength(300)
  deployment?: string;
}
