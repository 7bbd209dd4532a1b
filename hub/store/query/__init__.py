"""Named queries, one noun a file: sync functions of a Session. Every select() of the hub is here."""
