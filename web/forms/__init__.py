"""Forms: what a page asks, what it accepts, and the sentence beside the field when it does not."""
