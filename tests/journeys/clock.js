// A camera and a microphone with one clock: each second a white flash and, in the same instant, a beep of 1 kHz.
// Replaces getUserMedia before any script of the page runs.
(() => {
  const PERIOD_S = 1, FLASH_S = 0.12;
  let streams;
  const start = async () => {
    const context = new AudioContext({ sampleRate: 48000 });
    await context.resume();
    const output = context.createMediaStreamDestination();
    const quiet = context.createConstantSource();
    quiet.offset.value = 0;
    quiet.connect(output);
    quiet.start();
    const canvas = document.createElement("canvas");
    canvas.width = 640;
    canvas.height = 360;
    const paint = canvas.getContext("2d");
    const video = canvas.captureStream(0).getVideoTracks()[0];
    let lit = false, changeAt = context.currentTime + PERIOD_S, painted = 0, frame = 0;
    const beep = () => {
      const tone = context.createOscillator();
      tone.frequency.value = 1000;
      tone.connect(output);
      tone.start();
      tone.stop(context.currentTime + FLASH_S);
    };
    // The flash is painted and given to the track in the same turn in which the beep starts, however late that turn is.
    const tick = () => {
      const now = context.currentTime;
      const change = now >= changeAt;
      if (!change && performance.now() - painted < 30) return;
      if (change) {
        lit = !lit;
        changeAt = now + (lit ? FLASH_S : PERIOD_S - FLASH_S);
      }
      paint.fillStyle = lit ? "#ffffff" : "#202020";
      paint.fillRect(0, 0, 640, 360);
      paint.fillStyle = lit ? "#eeeeee" : "#303030";
      paint.fillRect((frame++ * 7) % 600, 300, 40, 40);
      video.requestFrame();
      painted = performance.now();
      if (change && lit) beep();
    };
    setInterval(tick, 8);
    return { video, audio: output.stream.getAudioTracks()[0] };
  };
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    streams ??= start();
    const { video, audio } = await streams;
    const tracks = [];
    if (wanted?.video) tracks.push(video.clone());
    if (wanted?.audio) tracks.push(audio.clone());
    return new MediaStream(tracks);
  };
})();
