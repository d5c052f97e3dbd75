import { type Dispatch, type SetStateAction, useCallback, useState } from "react";

/** What is typed into a palette and which row is chosen; typing chooses the first again. */
export interface Search {
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly at: number;
  readonly onAt: Dispatch<SetStateAction<number>>;
}

export function useSearch(): Search {
  const [query, setQuery] = useState("");
  const [at, onAt] = useState(0);
  const onQuery = useCallback((text: string) => {
    setQuery(text);
    onAt(0);
  }, []);
  return { query, onQuery, at, onAt };
}
