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

/** Sound of every media element with a stream, for `durationMs`: mono samples at 48 kHz as base64 of 16-bit integers. */
async function probeSounds({ durationMs }) {
  const context = new AudioContext({ sampleRate: 48000 });
  await context.resume();
  const sounds = [];
  for (const element of document.querySelectorAll("audio, video")) {
    const tracks = element.srcObject?.getAudioTracks() ?? [];
    if (tracks.length === 0 || element.muted) continue;
    const sound = { seat: element.closest("[data-seat]")?.dataset.seat ?? "", parts: [] };
    // A worklet would need a script of its own, which the page's content security policy rightly refuses.
    const keep = context.createScriptProcessor(4096, 1, 1);
    keep.onaudioprocess = ({ inputBuffer }) => sound.parts.push(inputBuffer.getChannelData(0).slice());
    context.createMediaStreamSource(new MediaStream(tracks)).connect(keep);
    keep.connect(context.destination);
    sounds.push(sound);
  }
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  await context.close();
  return sounds.map(({ seat, parts }) => {
    const whole = new Int16Array(parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of parts) for (const value of part) whole[at++] = Math.max(-1, Math.min(1, value)) * 32767;
    let text = "";
    const bytes = new Uint8Array(whole.buffer);
    for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
    return { seat, samples: btoa(text) };
  });
}
