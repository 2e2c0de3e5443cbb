/** A constant matrix, row-major [rows × columns]. */
export interface Matrix {
  readonly type: 'int8' | 'float32';
  readonly rows: number;
  readonly columns: number;
  /** Its numbers as little-endian bytes. */
  readonly values: Uint8Array;
}

/** Numbers of data types in onnx.proto. */
const dataTypes = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 };

/**
 * An ONNX graph that multiplies `input` [tokens × rows] by the matrix and gives only the first row of the
 * product, so that handing over a result costs nothing. The numbers of fields are those of onnx.proto.
 */
export function productGraph(matrix: Matrix, tokens: number): Uint8Array {
  const isInt8 = matrix.type === 'int8';
  const product = isInt8
    ? node('MatMulInteger', ['input', 'matrix', 'zero'], 'product')
    : node('MatMul', ['input', 'matrix'], 'product');
  const graph = message(
    field(1, product),
    field(1, node('Gather', ['product', 'first'], 'output')),
    field(2, 'product'),
    field(5, tensor('matrix', matrix.type, [matrix.rows, matrix.columns], matrix.values)),
    ...(isInt8 ? [field(5, tensor('zero', 'uint8', [], Uint8Array.of(128)))] : []),
    field(5, tensor('first', 'int64', [1], new Uint8Array(8))),
    field(11, value('input', isInt8 ? 'uint8' : 'float32', [tokens, matrix.rows])),
    field(12, value('output', isInt8 ? 'int32' : 'float32', [1, matrix.columns])),
  );
  const irVersion = 9;
  const opset = message(field(1, ''), field(2, 18));
  return message(field(1, irVersion), field(7, graph), field(8, opset));
}

function node(operator: string, inputs: readonly string[], output: string): Uint8Array {
  return message(...inputs.map((input) => field(1, input)), field(2, output), field(4, operator));
}

function tensor(
  name: string,
  type: keyof typeof dataTypes,
  shape: readonly number[],
  values: Uint8Array,
): Uint8Array {
  const sizes = shape.map((size) => field(1, size));
  return message(...sizes, field(2, dataTypes[type]), field(8, name), field(9, values));
}

function value(name: string, type: keyof typeof dataTypes, shape: readonly number[]): Uint8Array {
  const sizes = message(...shape.map((size) => field(1, message(field(1, size)))));
  const tensorType = message(field(1, dataTypes[type]), field(2, sizes));
  return message(field(1, name), field(2, message(field(1, tensorType))));
}

/** Protocol Buffers: a message is its fields, one after the other. */
function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

/** A number (wire type 0), or a text, bytes or a message with its length before it (wire type 2). */
function field(number: number, content: number | string | Uint8Array): Uint8Array {
  if (typeof content === 'number') return message(varint(number << 3), varint(content));
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return message(varint((number << 3) | 2), varint(bytes.length), bytes);
}

/** Seven bits a byte, the lowest first; the eighth bit says that more follow. */
function varint(number: number): Uint8Array {
  const bytes: number[] = [];
  let rest = number;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}
