// A photo before it is sent.

const MAX_BYTES = 5 * 1024 * 1024;
const TYPES = ["image/jpeg", "image/png"];
const SIDE_PX = 96;

/** Why a file cannot go as a photo, or null. */
export function whyNotPhoto(file) {
  if (!TYPES.includes(file.type)) return "Only JPEG and PNG pictures can be sent.";
  return file.size > MAX_BYTES ? "The picture is larger than 5 MB." : null;
}

/** A small picture of it, drawn on a canvas: the page's policy allows no blob: addresses. */
export async function thumbnail(file) {
  const bitmap = await createImageBitmap(file);
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE_PX;
  canvas.className = "context-photo";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "The photo to send");
  const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  canvas.getContext("2d").drawImage(bitmap, left, top, side, side, 0, 0, SIDE_PX, SIDE_PX);
  bitmap.close();
  return canvas;
}
