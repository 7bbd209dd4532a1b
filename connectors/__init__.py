"""One folder per kind of outside software; each imports hub.sdk and nothing else of ours."""
