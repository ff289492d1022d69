import { ArrayMaxSize, IsArray, IsString, Matches, MaxLength } from 'class-validator';
import { MayBeLeftOut } from '../../common/http/request-fields.js';
import { EVENT_TYPE, EVENT_TYPE_RULE, MAX_TYPES } from './event.dto.js';

/** What a client over WebSocket follows, and who it is: its first message, or what its headers and the query say. */
export class EventSocketStart {
  /** Access token or API key. */
  @IsString()
  @MaxLength(4096)
  token: string;

  /** As the header `X-EFMS-Tenant`. */
  @MayBeLeftOut()
  @IsString()
  @MaxLength(255)
  tenant?: string;

  @MayBeLeftOut()
  @IsString()
  @MaxLength(4096)
  lastEventId?: string;

  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(MAX_TYPES)
  @Matches(EVENT_TYPE, { each: true, message: EVENT_TYPE_RULE })
  types?: string[];

  /** Id of the one deployment to follow. */
  @MayBeLeftOut()
  @IsString()
  @MaxLength(300)
  deployment?: string;
}
