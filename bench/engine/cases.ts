import type { Manifest } from '../../server/src/runtime/manifest';

/** A fill of exactly this size: so many candidates for so many holes of so many tokens behind a context. */
export interface FillCase {
  readonly holes: number;
  /** Tokens of each hole. */
  readonly hole: number;
  /** Tokens of context. */
  readonly context: number;
  readonly candidates: number;
}

/** Everything that one run measures. */
export interface Cases {
  /** Tokens of contexts that are read cold. */
  readonly encode: readonly number[];
  readonly append: { readonly tokens: number; readonly context: number };
  /** Single holes; each is also one of the steps. */
  readonly fills: readonly FillCase[];
  /** Denoising passes of each fill. */
  readonly steps: readonly number[];
  readonly joint: FillCase;
  /** The first has one candidate: what the others are compared with. */
  readonly candidates: readonly [FillCase, ...FillCase[]];
  /** Passes of the joint fill and of the candidates. */
  readonly fewSteps: number;
  /** What the model does not allow, in words. */
  readonly leftOut: readonly string[];
}

const contexts = [512, 1024, 2048];
const holes = [16, 32, 64, 128];
const jointHoles = 4;
/** Where most holes are short, see "Data" in the design of the model. */
const usualHole = 32;
const usualContext = 1024;
/** What a keystroke adds, once in a while. */
const appended = 4;

/** @param quick one small case of each kind, to see that everything runs. */
export function planCases({ contextLength, layout }: Manifest, quick: boolean): Cases {
  const leftOut: string[] = [];
  const allowed = (what: string, wanted: readonly number[], most: number): number[] => {
    for (const tokens of wanted.filter((size) => size > most)) {
      leftOut.push(`${what} of ${tokens} tokens: the model takes at most ${most}`);
    }
    const possible = wanted.filter((tokens) => tokens <= most);
    return possible.length > 0 ? possible : [most];
  };
  const first = (values: number[]): number[] => (quick ? values.slice(0, 1) : values);

  const fitting = first(allowed('contexts', contexts, contextLength));
  const sizes = first(allowed('holes', holes, layout.maxCanvas));
  const context = closest(fitting, usualContext);
  const usual: FillCase = { holes: 1, hole: closest(sizes, usualHole), context, candidates: 1 };
  return {
    encode: fitting,
    append: { tokens: appended, context: Math.min(context, contextLength - appended) },
    fills: fitting.flatMap((tokens) => sizes.map((hole) => ({ ...usual, hole, context: tokens }))),
    steps: quick ? [2] : [1, 2, 4, 8],
    joint: { ...usual, holes: Math.min(jointHoles, layout.maxHoles) },
    candidates: [usual, ...(quick ? [2] : [8, 32]).map((candidates) => ({ ...usual, candidates }))],
    fewSteps: quick ? 2 : 4,
    leftOut,
  };
}

function closest(values: readonly number[], wanted: number): number {
  return values.reduce((best, value) => (Math.abs(value - wanted) < Math.abs(best - wanted) ? value : best));
}
