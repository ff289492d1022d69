/** What a thread may be asked for, and how it may end. */
export async function run({ what, value }) {
  switch (what) {
    case 'answer':
      return { value, transfer: [] };
    case 'hand over': {
      const bytes = new Uint8Array(value);
      return { value: bytes, transfer: [bytes.buffer] };
    }
    case 'sleep':
      await new Promise((resolve) => setTimeout(resolve, value));
      return { value: 'awake', transfer: [] };
    case 'throw':
      throw new Error('this was not foreseen');
    case 'die':
      return process.exit(3);
    case 'never end':
      for (;;);
    case 'take all memory': {
      const all = [];
      for (;;) all.push({ number: all.length });
    }
  }
}
