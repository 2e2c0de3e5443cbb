interface Item {
  readonly name: string;
  readonly price: number;
  readonly quantity: number;
}

export class Basket {
  private readonly items: Item[] = [];

  add(item: Item): void {
    this.items.⟦⟧;
  }

  get total(): number {
    let total = 0;
    for (const item of this.items) {
      total += ⟦⟧;
    }
    return ⟦⟧;
  }

  find(name: string): Item | undefined {
    return this.items.find((item) => ⟦⟧);
  }
}
