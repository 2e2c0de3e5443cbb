import { useState } from 'react';

export function Counter({ label }) {
  const [count, setCount] = ⟦⟧;

  const increment = () => setCount(⟦⟧);

  return (
    <button onClick={⟦⟧}>
      {label}: {count}
    </button>
  );
}
