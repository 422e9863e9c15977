// The smallest page that joins a room with camera and microphone and shows the first remote picture. `window.plan` (url and
// token) is set by the benchmark before it presses the button; `window.outcome` is what it reads afterwards, in ms since then.
const { Room, RoomEvent, Track } = LivekitClient;

document.querySelector("#join").addEventListener("click", async (press) => {
  const room = new Room({ publishDefaults: { simulcast: false, videoCodec: "vp8" } });
  const outcome = { connected: null, firstFrame: null, error: null };
  const since = () => performance.now() - press.timeStamp;
  const video = document.querySelector("#other");
  window.room = room;
  window.outcome = outcome;
  room.on(RoomEvent.TrackSubscribed, (track) => {
    if (track.kind !== Track.Kind.Video || outcome.firstFrame !== null) return;
    video.requestVideoFrameCallback(() => { outcome.firstFrame ??= since(); });
    track.attach(video);
  });
  try {
    await room.connect(window.plan.url, window.plan.token);
    outcome.connected = since();
    await room.localParticipant.enableCameraAndMicrophone();
  } catch (error) {
    outcome.error = String(error);
  }
});
