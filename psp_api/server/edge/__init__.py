"""HTTP/1.1 as it comes from strangers: what is not understood is refused, nothing is guessed."""
