"""What the HTTP door is made of: what counts as a complete answer, one connection, and the connections kept."""
