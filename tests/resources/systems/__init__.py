"""Systems of test runs in which the hub itself is short of something."""
