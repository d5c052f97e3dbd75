import { IconMovie, IconMusic } from "@tabler/icons-react";
import { type FileRef, mediumOf, viewUrl } from "../core/wire";
import css from "./Media.module.css";

/** A result to look at or listen to: a picture, or a film or sound with its controls. */
export function Media({ file, className }: { file: FileRef; className?: string | undefined }) {
  const url = viewUrl(file);
  switch (mediumOf(file)) {
    case "picture":
      return <img className={className} src={url} alt={file.filename} draggable={false} data-testid="result" />;
    case "film":
      return <video className={className} src={url} aria-label={file.filename} controls loop playsInline preload="metadata" data-testid="result" />;
    case "sound":
      return <audio className={css.sound} src={url} aria-label={file.filename} controls preload="metadata" data-testid="result" />;
  }
}

/** A small still of a result; sounds, and films in whose first frame there may be nothing to see, are named. */
export function Thumbnail({ file, alt = "" }: { file: FileRef; alt?: string }) {
  const medium = mediumOf(file);
  if (medium === "picture") return <img src={viewUrl(file)} alt={alt} loading="lazy" />;
  const Icon = medium === "film" ? IconMovie : IconMusic;
  return (
    <span className={css.named}>
      <Icon size={24} stroke={1.4} aria-hidden="true" />
      <span>{file.filename}</span>
    </span>
  );
}
