/** File names as picture inputs hold them: `folder/name.png`, or with the root in brackets, `name.png [output]`. */
import type { FileRef } from "./wire";

export function fileOfValue(value: string): FileRef {
  const [, path = value, folder = "input"] = /^(.*?)(?: \[(input|output|temp)\])?$/.exec(value) ?? [];
  const slash = path.lastIndexOf("/");
  return { filename: path.slice(slash + 1), subfolder: path.slice(0, Math.max(0, slash)), type: folder as FileRef["type"] };
}
