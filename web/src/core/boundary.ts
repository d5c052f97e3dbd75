/** The two nodes that stand for a subgraph's own inputs and outputs while it is shown from inside. */
export const INPUTS_NODE = "@inputs";
export const OUTPUTS_NODE = "@outputs";
/** The socket that becomes a new one when it is linked. */
export const NEW_SOCKET = "+";

export function isBoundary(id: string): boolean {
  return id === INPUTS_NODE || id === OUTPUTS_NODE;
}
