/** The small part of Markdown that notes need, as data: no HTML of a workflow ever reaches the page. */

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "strong" | "emphasis"; readonly parts: readonly Inline[] }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "link"; readonly text: string; readonly href: string };
export type Block =
  | { readonly kind: "heading"; readonly level: 1 | 2 | 3; readonly parts: readonly Inline[] }
  | { readonly kind: "paragraph"; readonly parts: readonly Inline[] }
  | { readonly kind: "list"; readonly ordered: boolean; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: "code"; readonly text: string };

const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/;

export function inline(text: string): Inline[] {
  const found = INLINE.exec(text);
  if (!found) return text === "" ? [] : [{ kind: "text", text }];
  const [whole, code, strong, emphasis, label, href] = found;
  const before: Inline[] = found.index > 0 ? [{ kind: "text", text: text.slice(0, found.index) }] : [];
  return [...before, marked(code, strong, emphasis, label, href), ...inline(text.slice(found.index + whole.length))];
}

function marked(code?: string, strong?: string, emphasis?: string, label = "", href = ""): Inline {
  if (code !== undefined) return { kind: "code", text: code };
  if (strong !== undefined) return { kind: "strong", parts: inline(strong) };
  if (emphasis !== undefined) return { kind: "emphasis", parts: inline(emphasis) };
  return { kind: "link", text: label, href };
}

const FENCE = /^```/;
const HEADING = /^(#{1,3})\s+(.*)$/;
const ITEM = /^\s*(?:([-*])|\d+\.)\s+(.*)$/;

export function blocks(text: string): Block[] {
  const lines = text.split("\n");
  const found: Block[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    const heading = HEADING.exec(line);
    if (FENCE.test(line)) {
      const close = lines.findIndex((other, index) => index > at && FENCE.test(other));
      const end = close < 0 ? lines.length : close;
      found.push({ kind: "code", text: lines.slice(at + 1, end).join("\n") });
      at = end + 1;
    } else if (heading) {
      found.push({ kind: "heading", level: (heading[1] ?? "#").length as 1 | 2 | 3, parts: inline(heading[2] ?? "") });
      at += 1;
    } else if (ITEM.test(line)) {
      const from = at;
      while (at < lines.length && ITEM.test(lines[at] ?? "")) at += 1;
      const items = lines.slice(from, at).map((item) => inline(ITEM.exec(item)?.[2] ?? ""));
      found.push({ kind: "list", ordered: ITEM.exec(line)?.[1] === undefined, items });
    } else if (line.trim() === "") at += 1;
    else {
      const from = at;
      while (at < lines.length && (lines[at] ?? "").trim() !== "" && !HEADING.test(lines[at] ?? "") && !ITEM.test(lines[at] ?? "") && !FENCE.test(lines[at] ?? "")) at += 1;
      found.push({ kind: "paragraph", parts: inline(lines.slice(from, at).join("\n")) });
    }
  }
  return found;
}
