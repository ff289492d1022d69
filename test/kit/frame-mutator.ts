/** Numbers that look random and are the same for the same seed, so that a failure can be had again. */
class Dice {
  constructor(private state: number) {}

  /** A whole number from 0 to below `sides`. */
  roll(sides: number): number {
    // mulberry32
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.roll(list.length)]!;
  }
}

/** Makes frames that are nearly right out of ones that are. */
export class FrameMutator {
  private readonly dice: Dice;

  constructor(
    seed: number,
    private readonly seeds: readonly Buffer[],
  ) {
    this.dice = new Dice(seed);
  }

  /** One of the seeds, at times as it is, mostly changed in a few places. */
  next(): Buffer {
    let frame: Buffer = Buffer.from(this.dice.pick(this.seeds));
    for (let changes = this.dice.roll(5); changes > 0; changes--) frame = this.mutate(frame);
    return frame.length > 65_536 ? frame.subarray(0, 65_536) : frame;
  }

  private mutate(frame: Buffer): Buffer {
    const [dice, at] = [this.dice, this.dice.roll(frame.length + 1)];
    const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, () => dice.roll(256)));
    const insert = (more: Buffer): Buffer => Buffer.concat([frame.subarray(0, at), more, frame.subarray(at)]);
    const changes = [
      (): Buffer => flipped(frame, dice.roll(frame.length * 8 + 1)),
      (): Buffer => frame.subarray(0, at),
      (): Buffer => frame.subarray(at),
      (): Buffer => insert(bytes(dice.roll(16))),
      // Fields of the same or another kind once more: the last one counts, or it is one more of a list.
      (): Buffer => Buffer.concat([frame, dice.pick(this.seeds)]),
      (): Buffer => insert(frame.subarray(dice.roll(frame.length + 1))),
      // Tags and lengths that promise much.
      (): Buffer => insert(Buffer.from([dice.pick([0x0a, 0x12, 0x1a, 0x2a, 0x3a]), 0xff, 0xff, 0xff, 0xff, 0x0f])),
      (): Buffer => insert(Buffer.from('ffffffffffffffffff01', 'hex')),
      (): Buffer => insert(Buffer.alloc(dice.roll(5_000), dice.roll(256))),
    ];
    return dice.pick(changes)();
  }
}

function flipped(frame: Buffer, bit: number): Buffer {
  const copy = Buffer.from(frame);
  const byte = bit >> 3;
  if (byte < copy.length) copy[byte] = copy[byte]! ^ (1 << (bit & 7));
  return copy;
}
