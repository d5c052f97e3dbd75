import { type Block, blocks, type Inline } from "../core/markdown";

/** Text with headings, lists, emphasis, code and links. */
export function Markdown({ text }: { text: string }) {
  return blocks(text).map((block, index) => <Part key={index} block={block} />);
}

function Part({ block }: { block: Block }) {
  switch (block.kind) {
    case "heading": {
      const Heading = (["h3", "h4", "h5"] as const)[block.level - 1] ?? "h5";
      return (
        <Heading>
          <Words parts={block.parts} />
        </Heading>
      );
    }
    case "list": {
      const List = block.ordered ? "ol" : "ul";
      return (
        <List>
          {block.items.map((item, index) => (
            <li key={index}>
              <Words parts={item} />
            </li>
          ))}
        </List>
      );
    }
    case "code":
      return <pre>{block.text}</pre>;
    case "paragraph":
      return (
        <p>
          <Words parts={block.parts} />
        </p>
      );
  }
}

function Words({ parts }: { parts: readonly Inline[] }) {
  return parts.map((part, index) => <Word key={index} part={part} />);
}

function Word({ part }: { part: Inline }) {
  switch (part.kind) {
    case "text":
      return part.text;
    case "code":
      return <code>{part.text}</code>;
    case "strong":
      return (
        <strong>
          <Words parts={part.parts} />
        </strong>
      );
    case "emphasis":
      return (
        <em>
          <Words parts={part.parts} />
        </em>
      );
    case "link":
      return (
        <a href={part.href} target="_blank" rel="noreferrer noopener">
          {part.text}
        </a>
      );
  }
}
