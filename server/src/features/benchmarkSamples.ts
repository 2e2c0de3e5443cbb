/** A piece of code with a hole, as a person's file has them. */
export interface BenchmarkSample {
  readonly language: string;
  readonly before: string;
  readonly after: string;
}

/** Long enough to be a usual context: what is read costs time as well as what is written. */
export const BENCHMARK_SAMPLES: readonly BenchmarkSample[] = [
  {
    language: 'typescript',
    before: `import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Order {
  readonly id: number;
  readonly customer: string;
  readonly lines: readonly OrderLine[];
  readonly paid: boolean;
}

export interface OrderLine {
  readonly article: string;
  readonly count: number;
  readonly price: number;
}

export async function readOrders(folder: string): Promise<Order[]> {
  const text = await readFile(join(folder, 'orders.json'), 'utf8');
  return JSON.parse(text) as Order[];
}

export function total(order: Order): number {
  return `,
    after: `;
}

export function unpaid(orders: readonly Order[]): Order[] {
  return orders.filter((order) => !order.paid);
}

export function byCustomer(orders: readonly Order[]): Map<string, Order[]> {
  const groups = new Map<string, Order[]>();
  for (const order of orders) {
    const group = groups.get(order.customer) ?? [];
    group.push(order);
    groups.set(order.customer, group);
  }
  return groups;
}
`,
  },
  {
    language: 'python',
    before: `from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reading:
    station: str
    hour: int
    celsius: float


def load(path: Path) -> list[Reading]:
    readings = []
    for line in path.read_text().splitlines()[1:]:
        station, hour, celsius = line.split(",")
        readings.append(Reading(station, int(hour), float(celsius)))
    return readings


def warmest(readings: list[Reading]) -> Reading:
    `,
    after: `


def per_station(readings: list[Reading]) -> Counter[str]:
    return Counter(reading.station for reading in readings)


def mean(readings: list[Reading]) -> float:
    if not readings:
        raise ValueError("no readings")
    return sum(reading.celsius for reading in readings) / len(readings)
`,
  },
  {
    language: 'typescriptreact',
    before: `import { useState } from 'react';

interface Props {
  readonly title: string;
  readonly items: readonly string[];
  readonly onSelect: (item: string) => void;
}

export function List({ title, items, onSelect }: Props) {
  const [query, setQuery] = useState('');
  const shown = items.filter((item) => item.toLowerCase().includes(query.toLowerCase()));

  return (
    <section>
      <h2>{title}</h2>
      <input value={query} onChange={`,
    after: `} />
      <ul>
        {shown.map((item) => (
          <li key={item} onClick={() => onSelect(item)}>
            {item}
          </li>
        ))}
      </ul>
    </section>
  );
}
`,
  },
];
