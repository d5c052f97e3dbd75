/** Node types used lately, newest first, kept in the browser. */
const KEY = "heddle.recent-nodes";
const KEPT = 8;

export function recentNodes(): readonly string[] {
  const stored: unknown = JSON.parse(window.localStorage.getItem(KEY) ?? "[]");
  return Array.isArray(stored) ? stored.map(String) : [];
}

export function rememberNode(type: string): void {
  const next = [type, ...recentNodes().filter((other) => other !== type)].slice(0, KEPT);
  window.localStorage.setItem(KEY, JSON.stringify(next));
}
