// Reading a QR code with the camera or from a picture, where the browser can. Never the only way in (KWCAG 3.3.3).

const LOOK_AGAIN_MS = 250;

/** Whether this browser reads QR codes at all. */
export const CAN_SCAN = "BarcodeDetector" in globalThis;

/** Whether there may be a camera: browsers show theirs to secure contexts alone. */
export const HAS_CAMERA = CAN_SCAN && Boolean(navigator.mediaDevices?.getUserMedia);

/** What the QR codes in a picture say. */
export async function codesInPicture(file) {
  const picture = await createImageBitmap(file).catch(() => null);
  return picture ? codesIn(picture) : [];
}

/**
 * Shows the camera in `video` until `accept(texts)` is true of the codes that it sees, or the signal says stop. Gives
 * whether it was accepted; null if the camera may not be used.
 */
export async function watchCamera(video, accept, signal) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).catch(() => null);
  if (stream === null) return null;
  try {
    video.srcObject = stream;
    const plays = await video.play().then(
      () => true,
      () => false,
    );
    if (!plays) return null;
    while (!signal.aborted) {
      if (accept(await codesIn(video))) return true;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    return false;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}

async function codesIn(picture) {
  const found = await new BarcodeDetector({ formats: ["qr_code"] }).detect(picture).catch(() => []);
  return found.map(({ rawValue }) => rawValue);
}
