import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { SecretContent } from './secret-contents.js';
import type { SecretType } from './secret-values.js';

/** All that people say about a secret but its content, and which content it has. */
export interface SecretDocument {
  readonly name: string;
  readonly type: SecretType;
  readonly description: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Number of the version that proxies are given. */
  readonly currentVersion: number;
}

/** A secret as it is sent. Without a content it keeps the one it has. */
export interface SecretRequest {
  readonly name: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly content?: SecretContent;
}

/** Something that proxies are given over SDS. Its contents are versions, kept apart and sealed. */
@Entity({ tableName: 'secrets' })
export class Secret {
  @PrimaryKey({ type: 'uuid' })
  id: string;

  @Property({ type: 'uuid' })
  tenantId: string;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'text', fieldName: 'secret_type' })
  type!: SecretType;

  @Property({ type: 'text' })
  description!: string;

  @Property({ type: 'jsonb' })
  metadata!: Readonly<Record<string, unknown>>;

  @Property({ type: 'integer' })
  currentVersion!: number;

  @Property({ type: new BigIntType('number'), default: 1 })
  revision!: number;

  constructor(identity: { readonly id: string; readonly tenantId: string }, document: SecretDocument) {
    this.id = identity.id;
    this.tenantId = identity.tenantId;
    this.replace(document);
  }

  replace(document: SecretDocument): void {
    this.name = document.name;
    this.type = document.type;
    this.description = document.description;
    this.metadata = document.metadata;
    this.currentVersion = document.currentVersion;
  }

  toDocument(): SecretDocument {
    return {
      name: this.name,
      type: this.type,
      description: this.description,
      metadata: this.metadata,
      currentVersion: this.currentVersion,
    };
  }
}
