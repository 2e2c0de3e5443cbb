/** The part of JSON schema that package.json describes Parafill's settings with. */
export interface SettingSchema {
  readonly type: string;
  readonly default: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** Of an array. */
  readonly items?: { readonly type: string };
  /** Of an object. */
  readonly additionalProperties?: { readonly type: string };
}

/** Settings by their whole name. */
export type SettingSchemas = Readonly<Record<string, SettingSchema>>;

/** The settings that an extension's package.json contributes. */
export function contributedSettings(packageJson: unknown): SettingSchemas {
  const { contributes } = packageJson as {
    readonly contributes: { readonly configuration: readonly { readonly properties: SettingSchemas }[] };
  };
  return Object.assign({}, ...contributes.configuration.map((group) => group.properties)) as SettingSchemas;
}

/** Whether the value is one the setting can have. An absent one is: it means the default. */
export function isValid(schema: SettingSchema, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (schema.enum !== undefined) return schema.enum.includes(value);
  if (!hasType(schema.type, value)) return false;
  if (typeof value === 'number') {
    return value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity);
  }
  if (Array.isArray(value)) return value.every((item) => hasType(schema.items?.type, item));
  if (typeof value !== 'object') return true;
  return Object.values(value).every((item) => hasType(schema.additionalProperties?.type, item));
}

/** A value that a setting cannot have; all texts are for a person. */
export interface SettingProblem {
  readonly setting: string;
  readonly expected: string;
  readonly came: string;
  /** What counts instead; absent where an entry of an object is left out. */
  readonly used?: string;
}

/** What is wrong with the value of a setting; of an object, each wrong entry by itself. */
export function problemsWith(setting: string, schema: SettingSchema, value: unknown): SettingProblem[] {
  if (isValid(schema, value)) return [];
  const inside = schema.additionalProperties?.type;
  if (inside !== undefined && hasType('object', value)) {
    return Object.entries(value as object)
      .filter(([, item]) => !hasType(inside, item))
      .map(([key, item]) => ({ setting: `${setting}.${key}`, expected: inside, came: JSON.stringify(item) }));
  }
  const used = JSON.stringify(schema.default);
  return [{ setting, expected: expected(schema), came: JSON.stringify(value), used }];
}

function expected(schema: SettingSchema): string {
  const { minimum, maximum } = schema;
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(', ');
  const limits = minimum === undefined || maximum === undefined ? '' : ` (${minimum}…${maximum})`;
  const inside = schema.items?.type ?? schema.additionalProperties?.type;
  return `${schema.type}${inside === undefined ? '' : `<${inside}>`}${limits}`;
}

function hasType(type: string | undefined, value: unknown): boolean {
  switch (type) {
    case undefined:
      return true;
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}
