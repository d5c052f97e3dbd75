/** Which output may feed which input. */

function parts(type: string): string[] {
  return type.split(",").map((part) => part.trim().toUpperCase());
}

/** True when a value of one type may travel to the other: equal, overlapping unions, or a wildcard on either side. */
export function typesFit(output: string, input: string): boolean {
  if (output === input) return true;
  const from = parts(output);
  const to = parts(input);
  if (from.includes("*") || to.includes("*") || from.includes("") || to.includes("")) return true;
  return from.some((part) => to.includes(part));
}
