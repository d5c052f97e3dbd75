/** Pictures and masks between the page and the server. */
import { uploadMask } from "../../api/mask";
import { Mask } from "../../core/mask";
import { type FileRef, viewUrl } from "../../core/wire";

async function pixelsOf(file: FileRef): Promise<ImageData> {
  const answer = await fetch(viewUrl(file));
  if (!answer.ok) throw new Error(`The server has no picture ${file.filename} (${answer.status}). Choose another one.`);
  const picture = await createImageBitmap(await answer.blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw on a canvas.");
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, picture.width, picture.height);
}

/** The mask that the picture has now: what is transparent is masked. */
export async function maskOf(file: FileRef): Promise<Mask> {
  const { data, width, height } = await pixelsOf(file);
  const start = new Uint8Array(width * height);
  for (let at = 0; at < start.length; at += 1) start[at] = 255 - (data[4 * at + 3] ?? 255);
  return new Mask(width, height, start);
}

/** Stores the picture with this mask as its transparency; gives the name of the new file. Throws ApiError. */
export async function saveMask(file: FileRef, mask: Mask): Promise<string> {
  const canvas = new OffscreenCanvas(mask.width, mask.height);
  const picture = new ImageData(mask.width, mask.height);
  mask.values.forEach((value, at) => {
    picture.data[4 * at + 3] = 255 - value;
  });
  canvas.getContext("2d")?.putImageData(picture, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/png" });
  const plain = file.filename.replace(/\.[a-z0-9]+$/i, "").replace(/^masked-/, "");
  return uploadMask(new File([blob], `masked-${plain}.png`, { type: "image/png" }), file);
}
