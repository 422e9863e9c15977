"""Live classes: stage, HLS, audience, questions. Nothing is built here yet."""
