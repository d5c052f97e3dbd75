import { useState } from "react";

/** What is typed into a palette and which row is chosen; typing chooses the first again. */
export interface Search {
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly at: number;
  readonly onAt: (index: number) => void;
}

export function useSearch(): Search {
  const [{ query, at }, set] = useState({ query: "", at: 0 });
  return { query, onQuery: (text) => set({ query: text, at: 0 }), at, onAt: (index) => set({ query, at: index }) };
}
