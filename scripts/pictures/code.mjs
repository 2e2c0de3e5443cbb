// The code in the pictures: of the kind the model was made for. What it says to it depends on the model.

export const VECTOR = `export interface Vector {
  readonly x: number;
  readonly y: number;
}

export function add(left: Vector, right: Vector): Vector {
  return { x: left.x + right.x, y: left.y + right.y };
}

export function subtract(left: Vector, right: Vector): Vector {
  return { x: left.x - right.x, y: left.y - right.y };
}
`;

/** What is typed behind VECTOR; between the parts the hands rest and take what is suggested, if it fits. */
export const TYPED = [
  'export function multiply(',
  'left: Vector, ',
  'right: Vector',
  '): Vector {\n',
  'return { x: left.x * ',
  'right.x',
  ', y: left.y * ',
  'right.y',
  ' };',
];

export const HOLES = `export class Stack<T> {
  private readonly items: T[] = ⟦⟧;

  push(item: T): void {
    this.items.push(⟦⟧);
  }

  isEmpty(): boolean {
    return this.items.length === ⟦⟧;
  }

  clear(): void {
    this.items.length = ⟦⟧;
  }
}
`;

/** Something is wrong in the last line but one: the same coordinate is compared twice. */
export const EQUAL = `${VECTOR}
export function isEqual(left: Vector, right: Vector): boolean {
  return left.x === right.x && left.y === right.x;
}
`;
export const WRONG = 'right.x';

/** The same in JavaScript, with tests that Node.js runs as they are. */
export const CHECKED = `export function add(left, right) {
  return { x: left.x + right.x, y: left.y + right.y };
}

export function subtract(left, right) {
  return { x: left.x - right.x, y: left.y - right.y };
}

export function isEqual(left, right) {
  return left.x === right.x && left.y === right.x;
}
`;

export const TESTS = `import assert from 'node:assert/strict';
import test from 'node:test';
import { add, isEqual, subtract } from './vector.mjs';

test('vectors', () => {
  assert.deepEqual(add({ x: 1, y: 2 }, { x: 3, y: 4 }), { x: 4, y: 6 });
  assert.deepEqual(subtract({ x: 3, y: 4 }, { x: 1, y: 2 }), { x: 2, y: 2 });
  assert.ok(isEqual({ x: 1, y: 2 }, { x: 1, y: 2 }));
  assert.ok(!isEqual({ x: 1, y: 2 }, { x: 1, y: 1 }));
});
`;
