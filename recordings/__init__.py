"""Files, no database: capture, timeline, seal, recovery, verification, playback. Importing the package stays light."""
