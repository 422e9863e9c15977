// What a page really shows and plays, for the tests: pictures of its video elements, samples of its sound.

/** Pictures of every video element that plays, for `durationMs`: PNG data URLs with the element's seat (data-seat upwards).
 *  At most `most` pictures an element. */
async function probePictures({ durationMs, most }) {
  const pictures = [];
  const canvas = document.createElement("canvas");
  const watch = (video) => {
    let taken = 0;
    const seat = video.closest("[data-seat]")?.dataset.seat ?? "";
    const take = () => {
      if (performance.now() > until || taken >= most) return;
      if (video.videoWidth > 0) {
        canvas.width = video.videoWidth;
        canvas.height = video.videoHeight;
        canvas.getContext("2d").drawImage(video, 0, 0);
        pictures.push({ seat, png: canvas.toDataURL("image/png"), mirrored: getComputedStyle(video).transform.includes("-1") });
        taken += 1;
      }
      video.requestVideoFrameCallback(take);
    };
    video.requestVideoFrameCallback(take);
  };
  const until = performance.now() + durationMs;
  document.querySelectorAll("video").forEach(watch);
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  return pictures;
}

/** Sound of every media element with a stream, for `durationMs`: what the browser's own recorder wrote (WebM with Opus), as
 *  base64. Its thread does not wait for the page, so a busy machine makes no holes. */
async function probeSounds({ durationMs }) {
  const sounds = [];
  for (const element of document.querySelectorAll("audio, video")) {
    const tracks = element.srcObject?.getAudioTracks() ?? [];
    if (tracks.length === 0 || element.muted) continue;
    const sound = { seat: element.closest("[data-seat]")?.dataset.seat ?? "", parts: [] };
    sound.recorder = new MediaRecorder(new MediaStream(tracks), { mimeType: "audio/webm;codecs=opus", audioBitsPerSecond: 128000 });
    sound.recorder.ondataavailable = ({ data }) => sound.parts.push(data);
    sound.ended = new Promise((resolve) => (sound.recorder.onstop = resolve));
    sound.recorder.start();
    sounds.push(sound);
  }
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  const found = [];
  for (const { seat, parts, recorder, ended } of sounds) {
    recorder.stop();
    await ended;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    found.push({ seat, webm: btoa(text) });
  }
  return found;
}
