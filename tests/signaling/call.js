// A page without any of our code: the unmodified livekit-client, and what the test asks about it.
const seen = [];

async function join(url, token, single) {
  const { Room, RoomEvent } = LivekitClient;
  const room = new Room({ singlePeerConnection: single });
  window.room = room;
  for (const name of ['TrackSubscribed', 'TrackUnsubscribed', 'TrackMuted', 'TrackUnmuted', 'Reconnected', 'Disconnected']) {
    room.on(RoomEvent[name], () => seen.push(name));
  }
  room.on(RoomEvent.TrackSubscribed, (track, publication, participant) => {
    const element = track.attach();
    element.dataset.of = `${participant.identity}/${track.kind}`;
    document.body.append(element);
  });
  // The library has let go of the element already when this event comes.
  room.on(RoomEvent.TrackUnsubscribed, (track, publication, participant) => {
    document.querySelectorAll(`[data-of="${participant.identity}/${track.kind}"]`).forEach((element) => element.remove());
  });
  await room.connect(url, token);
}

// Small and single: the machine that runs the tests encodes for every page.
async function showCamera() {
  const size = { resolution: { width: 320, height: 180, frameRate: 15 } };
  await room.localParticipant.setCameraEnabled(true, size, { simulcast: false });
}

async function publish() {
  await showCamera();
  await room.localParticipant.setMicrophoneEnabled(true);
}

// How many frames of somebody's picture were shown so far, and whether they are not all one colour.
function picture(identity) {
  const video = document.querySelector(`video[data-of="${identity}/video"]`);
  if (!video || !video.videoWidth) return { frames: 0, lively: false };
  const canvas = document.createElement('canvas');
  canvas.width = 64;
  canvas.height = 36;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 64, 36);
  const data = context.getImageData(0, 0, 64, 36).data;
  const colours = new Set();
  for (let index = 0; index < data.length; index += 4) colours.add(data[index] >> 4 << 8 | data[index + 1] >> 4 << 4 | data[index + 2] >> 4);
  return { frames: video.getVideoPlaybackQuality().totalVideoFrames, lively: colours.size > 4 };
}

async function bytesHeard(identity) {
  const participant = room.remoteParticipants.get(identity);
  const publication = participant && [...participant.audioTrackPublications.values()][0];
  if (!publication || !publication.track) return 0;
  const report = await publication.track.getRTCStatsReport();
  return [...report.values()].find((entry) => entry.type === 'inbound-rtp')?.bytesReceived ?? 0;
}

async function unpublishCamera() {
  const [publication] = [...room.localParticipant.videoTrackPublications.values()];
  await room.localParticipant.unpublishTrack(publication.track);
}
