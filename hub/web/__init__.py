"""The HTTP edge: one resource a file in `api`, around it sign-in, problems and the pages. Decides nothing."""
