import { describe, expect, it } from '@jest/globals';
import { ApiProperty, ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsString, Length, Matches, Max, MaxLength, Min, MinLength } from 'class-validator';
import { describeChecks } from './api-checks.js';
import { IsResourceName } from './request-fields.js';

class Described {
  @ApiProperty({ example: 'a' })
  @IsString()
  @MinLength(2)
  @MaxLength(20)
  @Matches(/^[a-z]+$/)
  word: string;

  @ApiProperty({ maxLength: 3, description: 'Said by hand.' })
  @MaxLength(20)
  said: string;

  @ApiPropertyOptional({ type: [String] })
  @ArrayMinSize(1)
  @ArrayMaxSize(5)
  @Length(1, 100, { each: true })
  words?: string[];

  @ApiProperty({ type: String })
  @ArrayMaxSize(5)
  @MaxLength(10, { each: true })
  commas: string[];

  @ApiProperty({ type: 'integer' })
  @Min(1)
  @Max(9)
  number: number;

  @ApiProperty()
  @Matches(/^[a-z]+$/i)
  anyCase: string;

  @ApiProperty()
  @IsResourceName()
  name: string;

  @MaxLength(7)
  hidden: string;
}

class Other {
  @ApiProperty()
  @MaxLength(5)
  other: string;
}

class Heir extends Described {}
class Both extends IntersectionType(Described, Other) {}

const shown = (type: { prototype: object }, property: string): unknown =>
  Reflect.getMetadata('swagger/apiModelProperties', type.prototype, property);

describe('describeChecks', () => {
  describeChecks();

  it.each([
    ['word', { minLength: 2, maxLength: 20, pattern: '^[a-z]+$', example: 'a' }],
    ['said', { maxLength: 3 }],
    ['words', { minItems: 1, maxItems: 5, minLength: 1, maxLength: 100, isArray: true }],
    ['number', { minimum: 1, maximum: 9 }],
    ['name', { minLength: 1, maxLength: 255 }],
  ])('says what is checked of %s, also in classes made of it', (property, facts) => {
    for (const type of [Described, Heir, Both]) expect(shown(type, property)).toMatchObject(facts);
  });

  it('says nothing of what a schema cannot, nor of fields that are not shown', () => {
    expect(shown(Described, 'commas')).not.toHaveProperty('maxLength');
    expect(shown(Described, 'commas')).not.toHaveProperty('maxItems');
    expect(shown(Described, 'anyCase')).not.toHaveProperty('pattern');
    expect(shown(Described, 'hidden')).toBeUndefined();
    expect(shown(Both, 'other')).toMatchObject({ maxLength: 5 });
  });
});
