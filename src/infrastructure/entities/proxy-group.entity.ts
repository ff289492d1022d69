import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { type LabelTerm, parseLabelSelector } from '../labels.js';

export const SELECTION_STRATEGIES = ['all', 'canary_percentage', 'blue_green'] as const;
export type SelectionStrategy = (typeof SELECTION_STRATEGIES)[number];

interface ProxyGroupDescription {
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly selector: string | null;
  readonly selectionStrategy: SelectionStrategy;
  readonly isActive: boolean;
}

/** All that people say about a proxy group, its parent named by an address. */
export interface ProxyGroupRequest extends ProxyGroupDescription {
  readonly parent?: string;
}

export interface ProxyGroupDocument extends ProxyGroupDescription {
  readonly parentId: string | null;
}

/** A named set of proxies under at most one other. Its members by selector are kept by the database. */
@Entity({ tableName: 'proxy_groups' })
export class ProxyGroup {
  @PrimaryKey({ type: 'uuid' })
  id: string;

  @Property({ type: 'uuid' })
  tenantId: string;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'text' })
  description!: string;

  @Property({ type: 'jsonb' })
  labels!: Readonly<Record<string, string>>;

  @Property({ type: 'uuid', nullable: true })
  parentId!: string | null;

  /** As people wrote it. */
  @Property({ type: 'text', nullable: true })
  selector!: string | null;

  @Property({ type: 'jsonb', nullable: true })
  selectorTerms!: readonly LabelTerm[] | null;

  @Property({ type: 'text' })
  selectionStrategy!: SelectionStrategy;

  @Property({ type: 'boolean' })
  isActive!: boolean;

  @Property({ type: new BigIntType('number'), default: 1 })
  revision!: number;

  constructor(identity: { readonly id: string; readonly tenantId: string }, document: ProxyGroupDocument) {
    this.id = identity.id;
    this.tenantId = identity.tenantId;
    this.replace(document);
  }

  replace(document: ProxyGroupDocument): void {
    this.name = document.name;
    this.description = document.description;
    this.labels = document.labels;
    this.parentId = document.parentId;
    this.selector = document.selector;
    this.selectorTerms = document.selector === null ? null : termsOf(document.selector);
    this.selectionStrategy = document.selectionStrategy;
    this.isActive = document.isActive;
  }

  toDocument(): ProxyGroupDocument {
    return {
      name: this.name,
      description: this.description,
      labels: this.labels,
      parentId: this.parentId,
      selector: this.selector,
      selectionStrategy: this.selectionStrategy,
      isActive: this.isActive,
    };
  }
}

function termsOf(selector: string): readonly LabelTerm[] {
  const terms = parseLabelSelector(selector);
  if (typeof terms === 'string') throw new Error(`a selector was not checked: ${terms}`);
  return terms;
}
