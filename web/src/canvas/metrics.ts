/** Sizes of the parts of a node, in graph units. The live node and the painted one both use these. */
export const METRICS = {
  width: 236,
  wide: 320,
  narrow: 172,
  header: 34,
  row: 24,
  widget: 32,
  text: 76,
  curve: 156,
  media: 184,
  edge: 8,
  radius: 10,
  socket: 5,
} as const;
export const GRID = 20;
