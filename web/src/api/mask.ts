/** Storing a painted mask. */
import type { FileRef } from "../core/wire";
import { sendForm } from "./client";

/** The server puts the transparency of `mask` into the original and keeps the result among the inputs. */
export async function uploadMask(mask: File, original: FileRef): Promise<string> {
  const form = new FormData();
  form.append("image", mask);
  form.append("type", "input");
  form.append("original_ref", JSON.stringify(original));
  const { name, subfolder } = (await sendForm("/upload/mask", form)) as { readonly name: string; readonly subfolder: string };
  return subfolder ? `${subfolder}/${name}` : name;
}
