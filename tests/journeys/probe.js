// What a page really shows and plays, for the tests: pictures of its video elements, samples of its sound.

/** Pictures of every video element that plays: PNG data URLs with the element's seat (data-seat upwards). Ends when each has
 *  shown `most` new pictures, or after `durationMs` at the latest. */
async function probePictures({ durationMs, most }) {
  const pictures = [];
  const canvas = document.createElement("canvas");
  const until = performance.now() + durationMs;
  const watched = [...document.querySelectorAll("video")].filter((video) => video.videoWidth > 0 && !video.paused);
  const watch = (video) =>
    new Promise((resolve) => {
      let taken = 0;
      const seat = video.closest("[data-seat]")?.dataset.seat ?? "";
      const late = setTimeout(resolve, durationMs);
      const take = () => {
        if (performance.now() > until) return;
        canvas.width = video.videoWidth;
        canvas.height = video.videoHeight;
        canvas.getContext("2d").drawImage(video, 0, 0);
        pictures.push({ seat, png: canvas.toDataURL("image/png") });
        taken += 1;
        if (taken < most) return void video.requestVideoFrameCallback(take);
        clearTimeout(late);
        resolve();
      };
      video.requestVideoFrameCallback(take);
    });
  await Promise.all(watched.map(watch));
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
