import { ApiProperty } from '@nestjs/swagger';
import type { QuarantineAccount, StreamAccount, TypeAccount } from '../assignments/xds-account.js';
import type { XdsAccount } from '../assignments/xds-accounts.js';
import { RESOURCE_TYPES, type ResourceKind } from '../resource-types.js';
import { AssignedDto, SyncErrorDto } from './proxy-sync.dto.js';

const KINDS = RESOURCE_TYPES.map(({ kind }) => kind);
const HASH = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

export class LastGoodDto {
  @ApiProperty({ example: HASH, description: 'The last snapshot that the proxy acknowledged in full.' })
  snapshot: string;

  @ApiProperty({ type: String, format: 'date-time' })
  since: Date;
}

export class QuarantineDto implements QuarantineAccount {
  @ApiProperty({ example: HASH })
  snapshot: string;

  @ApiProperty({
    enum: ['nack', 'crash_loop'],
    description: 'nack: Envoy refused it. crash_loop: two processes in a row went down soon after they were sent it.',
  })
  reason: QuarantineAccount['reason'];

  @ApiProperty({
    enum: ['content', 'machine'],
    description:
      'machine: a port, file, right or limit of the machine stands in the way, so it is tried again by itself.',
  })
  cause: QuarantineAccount['cause'];

  @ApiProperty({ description: 'Held back now; false once it was offered again.' })
  held: boolean;

  @ApiProperty({ type: String, format: 'date-time' })
  heldAt: Date;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  offeredAt: Date | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When it is offered again by itself.',
  })
  retryAt: Date | null;

  @ApiProperty({ enum: KINDS, nullable: true, type: String, description: 'The type of the refused response.' })
  kind: ResourceKind | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 13, description: 'gRPC status code.' })
  code: number | null;

  @ApiProperty({
    type: String,
    nullable: true,
    description: "Envoy's words, without what they carried of the resource.",
  })
  message: string | null;

  @ApiProperty({
    type: [String],
    example: ['web'],
    description: 'Names of the refused response that stand in the message. Envoy does not say which ones it refused.',
  })
  suspects: readonly string[];
}

export class TypeOnStreamDto implements TypeAccount {
  @ApiProperty({ enum: KINDS })
  kind: ResourceKind;

  @ApiProperty({ type: String, nullable: true })
  sentVersion: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  sentAt: Date | null;

  @ApiProperty({ type: 'integer', description: 'Resources in the last response.' })
  resources: number;

  @ApiProperty({ type: String, nullable: true })
  ackedVersion: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  ackedAt: Date | null;

  @ApiProperty({ type: SyncErrorDto, nullable: true, description: 'A refusal that no ACK of the type has followed.' })
  refusal: SyncErrorDto | null;
}

export class XdsStreamDto implements StreamAccount {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ enum: ['sotw', 'delta'] })
  variant: StreamAccount['variant'];

  @ApiProperty({ example: '127.0.0.1:40112' })
  peer: string;

  @ApiProperty({ format: 'uuid', description: 'The process of EFMS that serves it.' })
  replica: string;

  @ApiProperty({ type: String, nullable: true, description: 'The process of Envoy, as its start command named it.' })
  bootId: string | null;

  @ApiProperty({ type: String, nullable: true, example: '1.40.0' })
  envoyVersion: string | null;

  @ApiProperty({ type: String, format: 'date-time' })
  connectedAt: Date;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  endedAt: Date | null;

  @ApiProperty({ type: String, nullable: true, example: HASH, description: 'The snapshot that it is being served.' })
  serving: string | null;

  @ApiProperty({ type: String, nullable: true, example: HASH, description: 'The snapshot that it has in full.' })
  converged: string | null;

  @ApiProperty({ enum: ['managed', 'unmanaged', 'frozen'] })
  management: StreamAccount['management'];

  @ApiProperty({ type: [TypeOnStreamDto] })
  types: readonly TypeOnStreamDto[];
}

export class ProxyXdsDto implements XdsAccount {
  @ApiProperty({
    type: [String],
    description: 'Where the proxy stands, and what would change that.',
    example: [
      'Envoy 1.40.0 is connected from 127.0.0.1:40112 over delta xDS since 2026-01-01T12:00:00.000Z.',
      'It is to have snapshot 9f86d081884c.',
      'It has acknowledged all of snapshot 9f86d081884c.',
    ],
  })
  summary: readonly string[];

  @ApiProperty({ type: AssignedDto, nullable: true })
  assigned: AssignedDto | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: HASH,
    description: 'What it is served: the assigned snapshot or, while that is held back, the last good one.',
  })
  served: string | null;

  @ApiProperty({ type: LastGoodDto, nullable: true })
  lastGood: LastGoodDto | null;

  @ApiProperty({ type: [QuarantineDto] })
  quarantines: readonly QuarantineDto[];

  @ApiProperty({ type: [XdsStreamDto], description: 'Its live streams, newest first, or its last one.' })
  streams: readonly XdsStreamDto[];
}
