/** Which nodes the palette offers, best first. */
import { type Catalogue, type NodeSpec, visibleInputs } from "../../core/catalogue";
import { fuzzyMatch } from "../../core/fuzzy";
import { passes, readQuery } from "../../core/nodeQuery";
import { typesFit } from "../../core/sockets";
import type { LooseEnd } from "../../store/state";

export interface Offer {
  readonly spec: NodeSpec;
  readonly at: readonly number[];
}
const MOST = 200;
/** Matches below this share of the best one are letters found by accident. */
const WORST = 0.45;

/** True when the node has a socket for the loose end of a link. */
function takes(spec: NodeSpec, drag: LooseEnd): boolean {
  if (drag.from) return visibleInputs(spec).some((input) => typesFit(drag.type, input.type) && !(input.widget && drag.type === "*"));
  return spec.outputs.some((output) => typesFit(output.type, drag.type));
}

/** Nodes made for this type come before those that merely accept it; what ends a workflow comes first. */
function closeness(spec: NodeSpec, drag: LooseEnd | null): number {
  if (!drag) return 0;
  const types = drag.from ? visibleInputs(spec).map((input) => input.type) : spec.outputs.map((output) => output.type);
  if (types[0] === drag.type) return spec.terminal ? 4 : 2;
  return types.includes(drag.type) ? 1 : 0;
}

export function searchNodes(catalogue: Catalogue, text: string, drag: LooseEnd | null, recent: readonly string[]): Offer[] {
  const { words: query, filters } = readQuery(text);
  const scored: (Offer & { readonly score: number })[] = [];
  for (const spec of Object.values(catalogue)) {
    if ((drag && !takes(spec, drag)) || !passes(spec, filters)) continue;
    const byName = fuzzyMatch(query, spec.display_name);
    const byId = fuzzyMatch(query, spec.id);
    const byPlace = query.length > 1 ? fuzzyMatch(query, `${spec.category} ${spec.display_name}`) : null;
    const best = Math.max(byName?.score ?? -Infinity, (byId?.score ?? -Infinity) - 1, (byPlace?.score ?? -Infinity) - 8);
    if (best === -Infinity) continue;
    const used = recent.indexOf(spec.id);
    const bonus = (used >= 0 ? 6 - used * 0.5 : 0) - (spec.deprecated ? 6 : 0) - (spec.experimental ? 1 : 0);
    scored.push({ spec, at: byName?.at ?? [], score: best + bonus + closeness(spec, drag) });
  }
  const best = Math.max(...scored.map(({ score }) => score));
  const good = query.length > 2 ? scored.filter(({ score }) => score >= best * WORST) : scored;
  good.sort((a, b) => b.score - a.score || a.spec.display_name.localeCompare(b.spec.display_name));
  return good.slice(0, MOST);
}
