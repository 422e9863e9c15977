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
    let booked = Math.ceil(context.currentTime) + PERIOD_S;
    const beeps = [];
    let frame = 0;
    const tick = () => {
      const now = context.currentTime;
      while (booked < now + 2) {
        const tone = context.createOscillator();
        tone.frequency.value = 1000;
        tone.connect(output);
        tone.start(booked);
        tone.stop(booked + FLASH_S);
        beeps.push(booked);
        booked += PERIOD_S;
      }
      while (beeps.length && beeps[0] + FLASH_S < now) beeps.shift();
      const lit = beeps.length > 0 && beeps[0] <= now;
      paint.fillStyle = lit ? "#ffffff" : "#202020";
      paint.fillRect(0, 0, 640, 360);
      paint.fillStyle = lit ? "#eeeeee" : "#303030";
      paint.fillRect((frame++ * 7) % 600, 300, 40, 40);
    };
    setInterval(tick, 8);
    return { video: canvas.captureStream(30).getVideoTracks()[0], audio: output.stream.getAudioTracks()[0] };
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
