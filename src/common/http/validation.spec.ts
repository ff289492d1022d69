import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsOptional, IsString, ValidateIf, ValidateNested } from 'class-validator';
import { checkedBody } from './checked-body.js';
import { RawJson } from './raw-json.js';

class Inner {
  @IsOptional()
  @IsString()
  group?: string;
}

class Outer {
  @IsOptional()
  @IsString()
  description: string = '';

  @IsOptional()
  @IsString()
  vm?: string;

  @ValidateIf((_, value) => value !== null)
  @IsString()
  head: string | null;

  @RawJson()
  @IsOptional()
  metadata?: unknown;

  @ValidateNested({ each: true })
  @Type(() => Inner)
  items: Inner[];
}

describe('the validation of requests', () => {
  it('takes null for an optional field as nothing said, and leaves every other null', async () => {
    const body = { description: null, vm: null, head: null, metadata: { a: null }, items: [{ group: null }] };
    const checked = await checkedBody(Outer, body);
    expect(checked).toEqual({ description: '', head: null, metadata: { a: null }, items: [{}] });
    expect(await checkedBody(Outer, { ...body, vm: 'name:a', items: [] })).toMatchObject({ vm: 'name:a', items: [] });
  });
});
