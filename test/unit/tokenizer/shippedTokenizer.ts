import { readFileSync } from 'node:fs';
import { Tokenizer } from '../../../server/src/tokenizer/tokenizer';

/** tokenizer.json of the model that is shipped. Tests run from the repository's root. */
export const definition: unknown = JSON.parse(readFileSync('models/parafill-small/tokenizer.json', 'utf8'));

export const tokenizer = new Tokenizer(definition, 32, 8192);
