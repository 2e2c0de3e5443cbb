/** Places remembered in all, the oldest forgotten first. */
const mostPlaces = 16;

/** Two places nearer than so many UTF-16 units are one that moved. */
const samePlace = 600;

interface Place {
  readonly uri: string;
  readonly offset: number;
}

/** Where the person worked lately: a ring of places in documents. */
export class RecentPlaces {
  private places: readonly Place[] = [];

  add(uri: string, offset: number): void {
    const others = this.places.filter(
      (place) => place.uri !== uri || Math.abs(place.offset - offset) >= samePlace,
    );
    this.places = [...others, { uri, offset }].slice(-mostPlaces);
  }

  /** Offsets in one document, the latest last. */
  of(uri: string): readonly number[] {
    return this.places.filter((place) => place.uri === uri).map(({ offset }) => offset);
  }

  forget(uri: string): void {
    this.places = this.places.filter((place) => place.uri !== uri);
  }
}
